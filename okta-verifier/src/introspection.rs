//! Token introspection (RFC 7662), for tokens that local checks cannot decide and for what they cannot
//! know, such as a revocation.

mod cache;
mod client;
mod permits;
mod rate_limits;
mod response;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use client::Introspector;
pub(crate) use response::{IntrospectionResponse, RequiredResponse};
pub use settings::{ClientAuthentication, Introspection};
pub(crate) use settings::{IntrospectionReason, Settings};
