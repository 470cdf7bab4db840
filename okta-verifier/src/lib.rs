//! `async fn verify(&self, jwt: &str) -> Result<VerifiedToken, VerifyError>`
//!
//! Accepts OAuth 2.0 access tokens of an Okta custom authorization server, or of any RFC 9068
//! issuer: discovery, keys, signature and claim checks, authorization policies and exact HTTP
//! refusals behind one [`Verifier`]. The adapters `okta-verifier-tower`, `okta-verifier-axum` and
//! `okta-verifier-actix` put it in front of handlers; a gateway of another kind calls
//! [`Verifier::authenticate`].
//!
//! ```
//! # async fn hello() -> Result<(), Box<dyn std::error::Error>> {
//! use okta_verifier::{Issuer, Verifier};
//!
//! let verifier = Verifier::builder()
//!     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa1client"))
//!     .build()?; // no I/O: the service starts when Okta is down
//!
//! # let jwt = "";
//! match verifier.verify(jwt).await {
//!     Ok(token) => println!("{} may read: {}", token.subject(), token.has_scope("orders:read")),
//!     Err(error) => println!("refused: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! In this order, and every failure refuses: size and alphabet, three parts, header (duplicates,
//! `alg`, `crit`, `b64`, `typ`), claims as strict JSON, the issuer by its exact `iss`, the key by
//! `kid` and algorithm, the signature, `exp` / `nbf` / `iat`, `aud`, the kind of token (an ID
//! token is no access token), the client id, and any `cnf`: a sender-constrained token passes with
//! its DPoP proof ([`VerifierBuilder::dpop`]) or its client certificate
//! ([`VerifierBuilder::client_certificates`]) only.
//! A token of the org authorization server is never accepted.
//!
//! A token that passed is remembered ([`VerifierBuilder::cached_tokens`]): its key and its dates are
//! asked again at every request, so that it is refused once it expires or its key is withdrawn.
//!
//! # Runtime
//!
//! Keys are fetched in tasks of the tokio runtime that the first request runs on; it needs time
//! and I/O enabled. Pinned keys ([`Issuer::keys`]) need no runtime.

mod algorithm;
mod alphabet;
mod back_off;
mod binding;
mod builder;
mod crypto;
mod env;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod health;
mod introspection;
mod issuer;
mod keys;
mod policy;
mod remote;
mod request;
mod snapshot;
mod time;
mod token;
mod token_bucket;
mod verifier;

pub use algorithm::Algorithm;
pub use binding::{
    ClientCertificate, DpopNonces, DpopSettings, ProofUse, ReplayAnswer, ReplayStore,
};
pub use builder::VerifierBuilder;
pub use error::{
    ClaimError, ConfigError, FetchError, FetchKeysError, MalformedToken, ProofError, VerifyError,
};
pub use health::{IntrospectionHealth, IntrospectionState, IssuerHealth, KeyState};
pub use introspection::{ClientAuthentication, Introspection};
pub use issuer::Issuer;
pub use policy::{AnyToken, Policy, Requirement};
pub use request::{Anonymous, Presented, Rejection};
pub use snapshot::KeySnapshot;
pub use token::{SubjectKind, VerifiedToken};
pub use verifier::Verifier;

#[cfg(test)]
use watch as _;
