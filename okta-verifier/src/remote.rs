//! Requests to the issuer over the network.

pub(crate) mod client_auth;
mod clients;
pub(crate) mod fetch;
mod freshness;

pub(crate) use clients::Clients;
pub(crate) use fetch::{Answer, Fetch, Revalidated, Validator, without_secrets};
#[cfg(any(test, fuzzing))]
pub(crate) use freshness::fresh_for;
