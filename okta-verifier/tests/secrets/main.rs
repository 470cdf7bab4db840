//! Nothing secret is ever shown: every text that this crate gives away is searched for 16 bytes in
//! a row of any token, signature, proof, claim value or secret, and so is everything that any crate
//! of the process logs, at TRACE.
//!
//! Every test program searches its log (`use secret_scan as _`), and the adapters' ones every answer to the
//! conformance table, in-process and over sockets. Here are the cases that want a long word
//! of the sender's in each place that takes one, and secrets that no other test has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod conformance;
mod introspection;
mod key_fetch;
mod sender_constraint;

use secret_scan as _;
