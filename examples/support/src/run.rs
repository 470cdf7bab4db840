//! The `main` of the examples.

use std::{
    env,
    error::Error,
    io::{self, Write},
    net::TcpListener,
    process::ExitCode,
};

use okta_verifier::Verifier;
use okta_verifier_testing::MockOkta;
use tracing_subscriber::EnvFilter;

use crate::{demo, listen, live, paste::Paste};

/// Runs the whole `main` of an example. `serve` gets a non-blocking listener on 127.0.0.1, and a
/// verifier for the issuer in `OKTA_ISSUER` or for a mock Okta.
///
/// Reads `PORT` and the variables of [`Verifier::from_env`], and reports errors on stderr.
pub async fn run<S>(example: &str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    report(example, set_up_and(serve, example, Paste::Curl).await)
}

/// Runs an example that serves gRPC. The printed lines run the example's own `client` subcommand, whose
/// exit code is the gRPC status.
pub async fn run_grpc<S>(example: &str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    let paste = Paste::GrpcClient(example);
    report(example, set_up_and(serve, example, paste).await)
}

/// Converts the result of a `main` to an exit code, and prints an error to stderr.
pub fn report(example: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(example, &*error);
            ExitCode::FAILURE
        }
    }
}

async fn set_up_and<S>(serve: S, example: &str, paste: Paste<'_>) -> Result<(), Box<dyn Error>>
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    log("warn");
    let listener = listen::listen()?;
    let address = listener.local_addr()?;

    // An empty `OKTA_ISSUER` is a mistake that must be reported. It must not make the API trust a mock.
    let mock = match env::var_os("OKTA_ISSUER") {
        Some(_) => None,
        None => Some(MockOkta::start().await), // stops when it is dropped
    };
    let (verifier, guide) = match &mock {
        Some(okta) => demo::start(okta, address, paste)?,
        None => live::start(example, address, paste).await?,
    };
    print(&format!(
        "{guide}\
         # With RUST_LOG=okta_verifier=debug, the log has the reason of each rejection.\n\
         listening on http://{address}\n"
    ));
    serve(listener, verifier).await
}

/// Writes the log to stderr. `RUST_LOG` selects the events, or `default` if it is not set.
pub fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
    subscriber.with_writer(io::stderr).init();
}

/// Prints to stdout. A closed stdout, as in `| head`, must not end the server.
pub fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Prints an error and its causes to stderr.
pub(crate) fn print_error(example: &str, error: &dyn Error) {
    eprintln!("{example}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
