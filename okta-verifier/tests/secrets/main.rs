//! Nothing secret is ever shown: everything that any crate of the process logs, at TRACE, and
//! every text that this one gives away, is searched for 16 bytes in a row of any token, signature,
//! proof, claim value or secret.
//!
//! A program of its own: the subscriber and the logger are the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bound;
mod introspected;
mod mock;
mod settings;
mod shown;
mod table;
mod watch;
mod words;
