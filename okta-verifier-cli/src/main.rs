//! The command `okta-verifier`: `doctor`, `explain` and `mock`.

mod doctor;
mod explain;
mod mock;
mod output;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Checks the settings of a service, explains why a token is rejected, and runs a mock issuer.
#[derive(Parser)]
#[command(name = "okta-verifier", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Write JSON, one object per line, instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Doctor(doctor::Options),
    Explain(explain::Options),
    Mock(Box<mock::Options>),
}

/// Runs the command. A wrong use ends the process with 2; the other exit codes are those of the command.
#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    let output = Output::new(json);
    match command {
        Command::Doctor(options) => doctor::run(options, output).await,
        Command::Explain(options) => explain::run(options, output).await,
        Command::Mock(options) => mock::run(*options, output).await,
    }
}
