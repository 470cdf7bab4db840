//! Test support for APIs that use `okta-verifier`: `TestIssuer::new(audience).token(subject).sign()`.
//!
//! The crate creates real keys, real signatures and access tokens with the claims of a real Okta token.
//! It also creates every kind of invalid token that an API must reject. It needs neither a network nor
//! Okta.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use okta_verifier::Verifier;
//! use okta_verifier_testing::TestIssuer;
//!
//! let okta = TestIssuer::new("api://orders");
//! let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//!
//! let good = okta.token("ada").scope("orders:read").sign();
//! assert_eq!(verifier.verify(&good).await?.subject(), "ada");
//!
//! let forged = okta.token("ada").scope("orders:read").foreign_key().sign();
//! assert!(verifier.verify(&forged).await.is_err());
//! # Ok(()) }
//! ```
//!
//! [`TestIssuer::keycloak`], [`TestIssuer::auth0`] and other constructors of that kind sign tokens as other
//! providers write them.
//!
//! [`TestIssuer::issuer`] pins the public keys, so the verifier under test fetches nothing. With the
//! feature `server`, `MockOkta` is an authorization server on a loopback socket, for tests that fetch.
//! It serves metadata, keys, `/v1/authorize` and `/v1/token`, rotates keys, and injects faults.
//! [`okta-verifier-cli`](https://crates.io/crates/okta-verifier-cli) has it as a program.
//!
//! [`Client`] holds a key, binds tokens to it, and signs valid or invalid DPoP proofs (RFC 9449).
//!
//! [`conformance`] is a table of requests and exact responses for every adapter. With the feature
//! `server`, `assert_conformant` runs the table against your own API, and `assert_openapi` checks that its
//! OpenAPI document and its routes require the same scopes. `assert_protected_resource` checks a protected
//! resource (RFC 9728) or an MCP server, whatever library it uses.
//!
//! This crate is not a feature of `okta-verifier`, so no build of a service can issue a token that its
//! verifier accepts. Add it to `[dev-dependencies]` only.
//!
//! Misuse panics with a message that says what is wrong.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "tls")]
mod certificate;
mod client;
pub mod conformance;
mod edits;
mod event;
mod keys;
mod listener;
#[cfg(feature = "server")]
mod openapi;
#[cfg(feature = "server")]
pub mod protected_resource;
mod revocation_log;
#[cfg(feature = "server")]
mod server;
mod test_issuer;
mod token;

#[cfg(feature = "tls")]
pub use certificate::Certificate;
pub use client::{Client, ProofBuilder};
#[cfg(feature = "server")]
pub use conformance::{Routes, assert_conformant};
pub use event::{EVENT_AUDIENCE, EventBuilder};
#[doc(hidden)]
pub use listener::{Listener, listen};
#[cfg(feature = "server")]
pub use openapi::assert_openapi;
#[cfg(feature = "server")]
pub use protected_resource::{McpServer, ProtectedResource, assert_protected_resource};
pub use revocation_log::MemoryRevocationLog;
#[cfg(feature = "server")]
pub use server::{
    CLIENT_SECRET, Endpoint, Fault, Hits, MetadataForm, MockOkta, MockOktaBuilder, Received,
    Rotation,
};
pub use test_issuer::TestIssuer;
pub use token::{CLIENT_ID, TokenBuilder};

// Compiles and runs the code of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
