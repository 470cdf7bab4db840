//! Introspection under a paused clock, with a scripted issuer.

mod confirm;
mod endpoint;
mod failure;
mod flood;
mod isolation;
mod issuer;
mod kind;
mod rate_limits;
mod requests;
mod response;
mod settings;
mod subject_kind;
