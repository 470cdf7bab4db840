//! The extractors behind a real `Router`: both outcomes of each, and the routes around them.

mod claims;
mod decide;
mod maybe;
mod routes;
mod support;
mod verified;
