//! Verifies OAuth 2.0 access tokens of an Okta custom authorization server, or of any other issuer of JWT
//! access tokens.
//!
//! A [`Verifier`] fetches the keys of its issuers, checks signatures and claims, evaluates authorization
//! policies, and builds the HTTP responses to rejected requests. The adapters `okta-verifier-tower`,
//! `okta-verifier-axum` and `okta-verifier-actix` put a verifier in front of handlers. A gateway of another
//! kind calls [`Verifier::authenticate`].
//!
//! ```
//! # async fn hello() -> Result<(), Box<dyn std::error::Error>> {
//! use okta_verifier::{Issuer, Verifier};
//!
//! let verifier = Verifier::builder()
//!     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa1client"))
//!     .build()?; // no I/O: the service starts even when Okta is down
//!
//! # let jwt = "";
//! match verifier.verify(jwt).await {
//!     Ok(token) => println!("{} may read: {}", token.subject(), token.has_scope("orders:read")),
//!     Err(error) => println!("rejected: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! The checks run in this order, and the first check that fails rejects the token: size, three parts in
//! base64url, header (duplicates, `crit`, `b64`, `alg`), claims as strict JSON, the issuer by its exact
//! `iss`, the issuer's settings for `alg`, `kid` and `typ`, the key by `kid` and algorithm, the signature,
//! `exp` / `nbf` / `iat`, `aud`, the kind of token (an ID token is not an access token), the client ID,
//! and any `cnf`: a sender-constrained token is accepted only with its DPoP proof
//! ([`VerifierBuilder::dpop`]) or its client certificate ([`VerifierBuilder::client_certificates`]). A
//! token of the org authorization server is never accepted.
//!
//! A verified token is cached ([`VerifierBuilder::token_cache_capacity`]). The key and the dates of a
//! cached token are checked again at every request, so that the token is rejected once it expires or its
//! key is withdrawn.
//!
//! # Modules
//!
//! The root has what every service needs. The other items are in modules:
//!
//! | module | subject |
//! |---|---|
//! | [`dpop`] | tokens that are bound to a key (RFC 9449) |
//! | [`mtls`] | tokens that are bound to a certificate (RFC 8705) |
//! | [`introspection`] | opaque tokens, and revocation before a token expires (RFC 7662) |
//! | [`revocation`] | rules that reject tokens before they expire |
//! | [`settings`] | settings from a file |
//! | [`health`] | the state of keys and of introspection, for probes and metrics |
//! | [`stats`] | counters of requests, key fetches and introspection, for metrics |
//! | [`error`] | the details of a [`VerifyError`], and the error of a failed key fetch |
//! | [`adapter`] | the interface for adapters to other frameworks |
//! | `mcp` | policies for the tools, prompts and resources of MCP servers, and their sessions, with the feature of that name |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `explain` | `Verifier::explain`: every check of one token with what it expected and found. It is for the command `okta-verifier explain`, and a service does not need it |
//! | `mcp` | the module `mcp`: policies for the tools, prompts and resources of an MCP server, and sessions that only their owner can use. `McpLayer` of `okta-verifier-tower` enables it |
//!
//! # Guides
//!
#![cfg_attr(
    docsrs,
    doc = "The [guides and the cookbook](_documentation) are modules of this documentation."
)]
#![cfg_attr(
    not(docsrs),
    doc = "The guides and the cookbook are in `docs/` of this package, and on docs.rs in the module `_documentation`."
)]
//!
//! # Runtime
//!
//! A request to an issuer runs in a task of the tokio runtime of the caller that needs the response. The
//! runtime needs time and I/O enabled. Local checks with pinned keys ([`Issuer::keys`]) need no runtime.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(docsrs)]
pub mod _documentation;
pub mod adapter;
mod caller;
#[cfg(test)]
#[path = "verifier/tests/counts.rs"]
mod counts;
mod crypto;
pub mod dpop;
mod duration;
mod env;
pub mod error;
#[cfg(feature = "explain")]
pub mod explain;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod health;
mod http;
pub mod introspection;
mod issuer;
mod json;
mod keys;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod mtls;
mod net;
mod policy;
mod prometheus_text;
mod resource;
pub mod revocation;
pub mod settings;
pub mod stats;
mod sync;
mod token;
mod verified_token;
mod verifier;

pub use caller::Caller;
pub use crypto::Algorithm;
pub use error::{config::ConfigError, verify::VerifyError};
pub use http::{ApplicationRejection, ProblemDetails, Rejection};
pub use issuer::Issuer;
pub use keys::KeySnapshot;
pub use policy::{AnyToken, AsPolicy, OwnedPolicy, Policy, Requirement};
pub use resource::Resource;
pub use token::{SubjectKind, TokenProfile};
pub use verified_token::VerifiedToken;
pub use verifier::{IssuerResolver, Verifier, VerifierBuilder, VoidReason};

#[cfg(test)]
use secret_scan as _;
