//! The quickstart example verifies the tokens of a real authorization server; each runs as a process.
//!
//! `as/` holds the server (Node); `cargo build -p quickstart` in the workspace above makes the example.
//! Every test starts its own pair, so none disturbs another's keys, faults or counters.

mod api;
mod process;
mod server;

mod accepted;
mod credentials;
mod faults;
mod flood;
mod forged;
mod login;
mod meant_for_others;
mod rotation;
mod tls;
