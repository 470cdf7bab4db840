//! `okta-verifier mock`: an issuer for development and integration tests.

use std::process::ExitCode;

use crate::output::{Output, State};

/// Runs an issuer for development and integration tests. It mints tokens for every program that can reach it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(crate) async fn run(_options: Options, mut output: Output) -> ExitCode {
    output.finding(State::Failed, "mock", "not built yet", None);
    ExitCode::FAILURE
}
