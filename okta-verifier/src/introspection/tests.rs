//! Under a clock that stands still, with an issuer that answers by a script.

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
