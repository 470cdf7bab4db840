//! The scenarios; each is a section of the report.

pub(crate) mod axum;
pub(crate) mod flood;
pub(crate) mod herd;
pub(crate) mod http;
pub(crate) mod refusals;
pub(crate) mod rotation;
pub(crate) mod verify;
