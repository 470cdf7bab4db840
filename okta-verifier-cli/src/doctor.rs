//! `okta-verifier doctor`: checks the settings of a service against its issuer.

use std::process::ExitCode;

use crate::output::{Output, State};

/// Checks the settings in `OKTA_*` against the issuer.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(crate) async fn run(_options: Options, mut output: Output) -> ExitCode {
    output.finding(State::Failed, "doctor", "not built yet", None);
    ExitCode::FAILURE
}
