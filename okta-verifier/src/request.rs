//! HTTP's side: what a request presents, and the exact bytes of a refusal.

mod anonymous;
mod challenge;
mod credentials;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod grpc;
mod nonce;
mod presented;
mod rejection;
mod remedy;

#[cfg(test)]
mod tests;

pub(crate) use http::{HeaderName, HeaderValue};

pub use anonymous::Anonymous;
pub(crate) use challenge::{Challenges, Scheme, is_scope_token};
pub(crate) use credentials::{Credentials, Malformed, is_b64token};
pub(crate) use nonce::{nonce_headers, nonce_value};
pub use presented::Presented;
pub(crate) use presented::{Lines, OwnedShown, Shown};
pub(crate) use rejection::DEFAULT_REALM;
pub use rejection::Rejection;
pub(crate) use remedy::Remedy;
