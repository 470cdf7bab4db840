//! Tests of the extractors behind a real `Router`: both outcomes of each, and the routes around them.

mod assert_conformant;
mod assert_openapi;
mod claims;
mod conformance;
mod cors;
mod dpop;
mod maybe;
mod metadata;
mod outcome;
mod problem_details;
mod regressions;
mod rejection;
mod revocation;
mod routes;
mod support;
mod verified;

use secret_scan as _;
