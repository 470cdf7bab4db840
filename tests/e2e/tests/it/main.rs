//! The examples verify tokens of a real authorization server. Each runs as a process.
//!
//! `as/` contains the server (Node); `ci/e2e` installs it and builds the examples in the workspace above.
//! Every test starts its own server and API, so tests do not share keys, faults or counters.

mod api;
mod browser;
mod process;
mod rpc;
mod server;

mod accepted;
mod credentials;
mod dpop;
mod every_example;
mod faults;
mod flood;
mod forged;
mod introspection;
mod login;
mod mcp;
mod meant_for_others;
mod mock;
mod mutual_tls;
mod revoked;
mod rotation;
mod signals;
mod table;
mod tls;
