//! Tests of the middleware and the extractors through their public API, in this process and over a
//! socket.

mod anonymous;
mod binding;
mod bytes;
mod claims;
mod cold;
mod conformance;
mod cors;
mod decide;
mod maybe;
mod options;
mod payload;
mod require;
mod routes;
mod server;
mod socket;
mod support;
mod verified;
mod workers;

use secret_scan as _;
