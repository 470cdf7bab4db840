//! Tests of the layers through their public API.

mod anonymous;
mod binding;
mod bytes;
mod cold;
mod conformance;
mod futures;
mod grpc;
mod readiness;
mod regressions;
mod require;
mod support;

use secret_scan as _;
