//! `async fn run(example, serve) -> ExitCode`
//!
//! What the examples have in common and no service would: [`run`] reads the environment, starts a
//! mock Okta where there is no issuer, and prints `curl` lines to paste. [`process`] is for their
//! tests.

mod demo;
mod listen;
mod live;
mod paste;
pub mod process;
mod run;

pub use listen::listen;
pub use run::{report, run, run_grpc, say};
