//! Nothing secret is ever shown. Every text that this crate exposes is searched for 16 consecutive
//! bytes of any token, signature, proof, claim value or secret, and so is everything that any crate of
//! the process logs, at TRACE.
//!
//! Every test program searches its log (`use secret_scan as _`), and those of the adapters search every
//! response to the conformance table, in-process and over sockets. The tests here have a long text of
//! the sender in each place that accepts one, and secrets that no other test has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod conformance;
mod introspection;
mod key_fetch;
#[path = "../it/support/private_key.rs"]
mod private_key;
mod sender_constraint;

use secret_scan as _;
