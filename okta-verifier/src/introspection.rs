//! Token introspection (RFC 7662): asks the issuer about tokens that local checks cannot decide, and
//! about what they cannot know, such as a revocation.

mod answer;
mod cache;
mod client;
mod endpoint;
mod gate;
mod kind;
mod permits;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Checked, Want};
pub(crate) use client::Introspector;
pub use settings::{ClientAuthentication, Introspection};
pub(crate) use settings::{Question, Settings};
