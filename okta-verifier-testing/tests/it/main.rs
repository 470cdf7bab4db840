//! Tests of this crate without `okta-verifier` as verifier: with aws-lc-rs, the JWK parser of
//! another crate, and bytes on a socket.

// clippy recognizes a test function, but not the functions that it calls.
#![allow(clippy::unwrap_used)]

mod authorization;
#[cfg(feature = "tls")]
mod certificate;
mod client_authentication;
mod conformance;
mod cors;
mod dpop;
mod endpoints;
mod faults;
mod hostile;
mod http;
mod introspection;
mod jose;
mod minting;
mod proofs;
mod protected_resource;
mod providers;
mod registration;
mod resource_indicators;
mod rotation;
mod shapes;
mod signatures;
#[cfg(feature = "tls")]
mod tls;
mod token_endpoint;
mod wrong;

use secret_scan as _;
