//! What this crate makes, judged without `okta-verifier`: by aws-lc-rs, by the JWK reader of
//! another crate, and by bytes on a socket.

// clippy knows a test function, not the functions that one calls.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "tls")]
mod certificate;
mod client_authentication;
mod conformance;
mod dpop;
mod endpoints;
mod faults;
mod http;
mod introspection;
mod jose;
mod proofs;
mod rotation;
mod shapes;
mod signatures;
mod token_endpoint;
mod wrong;

use secret_scan as _;
