//! Shared code of the examples, which a real service would not need.
//!
//! [`run`] reads the environment, starts a mock Okta if there is no issuer, and prints `curl` lines to
//! paste. [`process`] is for the tests of the examples.

mod demo;
mod listen;
mod live;
mod paste;
pub mod process;
mod run;

pub use listen::listen;
pub use run::{log, print, report, run, run_grpc};
