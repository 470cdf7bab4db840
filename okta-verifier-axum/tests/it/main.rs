//! Tests of the extractors behind a real `Router`: both outcomes of each, and the routes around them.

mod assert_conformant;
mod assert_openapi;
mod assert_protected_resource;
mod claims;
mod conformance;
mod cors;
mod dpop;
mod maybe;
mod mcp;
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
