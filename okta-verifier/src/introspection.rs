//! Asking the issuer about a token (RFC 7662): what local checks cannot decide, and what they
//! cannot know, such as that it was revoked.

mod answer;
mod cache;
mod endpoint;
mod gate;
mod introspector;
mod kind;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Checked, Want};
pub(crate) use introspector::Introspector;
pub use settings::{Introspect, Introspection};
pub(crate) use settings::{Judged, Question};
