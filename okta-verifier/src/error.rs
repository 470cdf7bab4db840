//! Error types: [`ConfigError`] at startup, [`VerifyError`] per request, and [`FetchKeysError`] of
//! [`Verifier::warm_up`](crate::Verifier::warm_up) and [`refresh`](crate::Verifier::refresh). What a
//! client sees is a `Rejection`.
//!
//! No variant carries a token or a claim's value. `Display` says what is wrong and never repeats what
//! [`source`](std::error::Error::source) says.

mod config;
mod fetch;
mod proof;
mod text;
mod verify;

pub use config::ConfigError;
pub use fetch::{FetchError, FetchKeysError};
pub use proof::ProofError;
pub(crate) use text::{MAX_EXCERPT, cause, excerpt};
pub use verify::{ClaimError, MalformedToken, VerifyError};
