//! `okta-verifier explain`: explains why a token is rejected.

use std::process::ExitCode;

use crate::output::{Output, State};

/// Reads a token from standard input, and explains why it is accepted or rejected.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(crate) async fn run(_options: Options, mut output: Output) -> ExitCode {
    output.finding(State::Failed, "explain", "not built yet", None);
    ExitCode::FAILURE
}
