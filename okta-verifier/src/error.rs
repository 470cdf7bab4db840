//! Error types: [`ConfigError`] at startup, [`VerifyError`] per request, and [`FetchKeysError`] of
//! [`Verifier::warm_up`](crate::Verifier::warm_up) and [`refresh`](crate::Verifier::refresh). What a
//! client sees is a `Rejection`.
//!
//! No variant carries a token or a claim's value. `Display` says what is wrong and never repeats what
//! [`source`](std::error::Error::source) says.

mod config;
mod proof;
mod text;
mod unavailable;
mod verify;

pub use config::ConfigError;
pub use proof::ProofError;
pub(crate) use text::{MAX_EXCERPT, cause, excerpt};
pub use unavailable::{FetchKeysError, UnavailableReason};
pub use verify::{ClaimError, MalformedTokenError, VerifyError};
