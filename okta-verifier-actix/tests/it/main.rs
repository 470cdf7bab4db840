//! Tests of the middleware and the extractors through their public API, in this process and over a
//! socket.

mod assert_protected_resource;
mod claims;
mod conformance;
mod cors;
mod credentials;
mod key_fetch;
mod maybe;
mod metadata;
mod mount;
mod optional;
mod options;
mod outcome;
mod payload;
mod problem_details;
mod rejection;
mod require;
mod revocation;
mod routes;
mod sender_constraint;
mod socket;
mod support;
mod verified;
mod workers;

use secret_scan as _;
