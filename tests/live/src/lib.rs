//! Keycloak and Ory Hydra as processes of a test: how they are started and set up, and how tokens are requested from
//! them. `ci/live` fetches and builds the servers and runs the tests.
//!
//! The tests of one program share one server, so a test that changes what others see has a realm or a user of its own.

pub mod certificates;
pub mod fleet;
pub mod http;
pub mod hydra;
pub mod jwt;
pub mod keycloak;
mod process;
pub mod service;
