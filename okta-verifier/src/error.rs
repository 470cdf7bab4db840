//! What can go wrong, by time of day: [`ConfigError`] at start-up, for the programmer;
//! [`VerifyError`] at a request, for the log. What the peer sees is a `Rejection`.
//!
//! No variant carries a token or a claim's value.

mod config;
mod fetch;
mod proof;
mod verify;

pub use config::ConfigError;
pub use fetch::FetchError;
pub use proof::ProofError;
pub use verify::{ClaimError, MalformedToken, VerifyError};
