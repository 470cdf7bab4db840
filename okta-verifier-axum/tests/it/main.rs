//! Tests of the extractors behind a real `Router`: both outcomes of each, and the routes around them.

mod claims;
mod conformance;
mod cors;
mod decide;
mod maybe;
mod nested;
mod regressions;
mod routes;
mod support;
mod tool;
mod verified;

use secret_scan as _;
