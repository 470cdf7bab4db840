//! Token introspection (RFC 7662), for tokens that cannot be verified locally and for facts that local
//! checks cannot see, such as a revocation.
//!
//! [`Issuer::introspection`](crate::Issuer::introspection) takes an [`Introspection`], which says which
//! tokens are introspected, which client this service authenticates as, and how many requests are sent.
//!
//! ```
//! use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
//!
//! let client = ClientAuthentication::client_secret_basic("0oa1service", "secret");
//! let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
//! let verifier = Verifier::builder()
//!     .issuer(issuer.introspection(Introspection::every_token(client)))
//!     .build()?;
//! # Ok::<(), okta_verifier::ConfigError>(())
//! ```

mod cache;
mod client;
mod client_authentication;
mod permits;
mod rate_limits;
mod response;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use client::Introspector;
pub use client_authentication::ClientAuthentication;
pub(crate) use response::{IntrospectionResponse, RequiredResponse};
pub use settings::Introspection;
pub(crate) use settings::{IntrospectionReason, Settings};
