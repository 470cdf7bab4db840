//! `TestIssuer::new(audience).token(subject).sign() -> String`
//!
//! Tests for an API that uses `okta-verifier`: real keys, real signatures, the claims of a real Okta
//! access token, and every wrong token such an API must refuse. No network, no Okta.
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
//! [`TestIssuer::issuer`] holds the public keys, so the verifier under test fetches nothing. With the
//! feature `server`, `MockOkta` is an authorization server on a loopback socket, for the tests that
//! shall fetch: metadata, keys, `/v1/token`, key rotation, and faults.
//!
//! [`Client`] holds a key, binds tokens to it, and signs the proofs of RFC 9449, the wrong ones too.
//!
//! [`conformance`] is one table of requests and exact answers, for every adapter and, with
//! `assert_conformant` of the feature `server`, for an API of your own.
//!
//! This is a crate of its own, and not a feature of `okta-verifier`, so that no build of a service
//! can mint a token that its verifier accepts. Name it under `[dev-dependencies]` only.
//!
//! Misuse panics, with a message that says what is wrong.

#[cfg(feature = "tls")]
mod certificate;
mod client;
pub mod conformance;
mod edits;
mod keys;
mod listener;
#[cfg(feature = "server")]
mod server;
mod test_issuer;
mod token;

#[cfg(feature = "tls")]
pub use certificate::Certificate;
pub use client::{Client, ProofBuilder};
#[cfg(feature = "server")]
pub use conformance::{Routes, assert_conformant};
#[doc(hidden)]
pub use listener::{Listener, listen};
#[cfg(feature = "server")]
pub use server::{
    CLIENT_SECRET, Endpoint, Fault, Hits, MetadataForm, MockOkta, Received, Rotation,
};
pub use test_issuer::TestIssuer;
pub use token::{CLIENT_ID, TokenBuilder};

// Compiles and runs the code of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
