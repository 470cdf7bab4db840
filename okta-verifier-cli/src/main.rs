//! The command `okta-verifier`: `doctor`, `explain` and `mock`.

mod doctor;
mod explain;
mod mock;
mod output;
mod settings;

use std::process::ExitCode;

use clap::{
    Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

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
    let arguments = Arguments::try_parse();
    let Arguments { command, json } = arguments.unwrap_or_else(|error| without_texts(error).exit());
    let output = Output::new(json);
    match command {
        Command::Doctor(options) => doctor::run(options, output).await,
        Command::Explain(options) => explain::run(options, output).await,
        Command::Mock(options) => mock::run(*options, output).await,
    }
}

/// Removes from an error the text at a place where another text, or none, is expected. It may be a token, and a job of a
/// CI system keeps what the command writes.
fn without_texts(mut error: clap::Error) -> clap::Error {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues => {
            ContextKind::InvalidValue
        }
        _ => return error,
    };
    let is_name = |text: &str| {
        text.len() <= MAX_NAME
            && text
                .bytes()
                .all(|byte| b"-_".contains(&byte) || byte.is_ascii_lowercase())
    };
    if matches!(error.get(kind), Some(ContextValue::String(text)) if !is_name(text)) {
        error.insert(kind, ContextValue::String("(not shown)".to_owned()));
        error.insert(ContextKind::Suggested, ContextValue::None);
    }
    error
}

/// The maximum length of a name of an option or of a command that is shown although it is not known.
const MAX_NAME: usize = 20;
