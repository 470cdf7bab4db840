//! What is asked of the issuer over the network.

pub(crate) mod fetch;
mod freshness;

pub(crate) use fetch::{Answer, Fetch, Revalidated, Validator};
