//! The API of a shop, on axum and on actix-web, with what a real service needs: settings in a file, three issuers,
//! policies, bodies of rejections, metrics, an audit log, CORS, step-up, DPoP, a rate limit, streams that end with their
//! token, an OpenAPI document, and revocation.
//!
//! Lines between `// glue` and `// end of glue` exist only to connect okta-verifier with the rest. A test counts them.

pub mod actix;
mod audit;
pub mod axum;
pub mod demo;
mod document;
mod orders;
mod policies;
pub mod run;
mod settings;
mod shop;

pub use settings::SHOP_TOML;
pub use shop::Shop;
