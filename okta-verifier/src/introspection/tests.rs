//! Introspection under a paused clock, with a scripted issuer.

mod confirm;
mod endpoint;
mod failure;
mod flight;
mod flood;
mod isolation;
mod issuer;
mod kind;
mod rate_limits;
mod response;
mod settings;
mod subject_kind;
