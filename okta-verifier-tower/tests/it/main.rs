//! Tests of the layers through their public API.

mod assert_protected_resource;
mod conformance;
mod credentials;
mod futures;
mod grpc;
mod key_fetch;
mod mcp;
mod metadata;
mod mount;
mod optional;
mod outcome;
mod problem_details;
mod readiness;
mod regressions;
mod require;
#[cfg(feature = "revocation")]
mod revocation;
mod sender_constraint;
mod support;

use secret_scan as _;
