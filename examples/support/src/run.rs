use std::{
    env,
    error::Error,
    io::{self, Write},
    net::TcpListener,
    process::ExitCode,
};

use okta_verifier::Verifier;
use okta_verifier_testing::MockOkta;

use crate::{demo, listen, live, paste::Paste};

/// The whole `main` of an example: `serve` gets a listener on 127.0.0.1 that does not block, and a
/// verifier of the issuer that `OKTA_ISSUER` names, or of a mock Okta.
///
/// Reads `PORT` and the variables of [`Verifier::from_env`]. What is wrong with them goes to stderr.
pub async fn run<S>(example: &str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    report(example, set_up_and(serve, example, Paste::Curl).await)
}

/// The same for an example that speaks gRPC. What it prints to paste starts its own `client`
/// subcommand, which ends with the gRPC status as its exit code.
pub async fn run_grpc<S>(example: &str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    let paste = Paste::GrpcClient(example);
    report(example, set_up_and(serve, example, paste).await)
}

/// The end of a `main`: what went wrong goes to stderr.
pub fn report(example: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(example, &*error);
            ExitCode::FAILURE
        }
    }
}

async fn set_up_and<S>(serve: S, example: &str, paste: Paste<'_>) -> Result<(), Box<dyn Error>>
where
    S: AsyncFnOnce(TcpListener, Verifier) -> Result<(), Box<dyn Error>>,
{
    let listener = listen::listen()?;
    let address = listener.local_addr()?;

    // Set but empty is a mistake to point out, and no reason to trust a mock.
    let mock = match env::var_os("OKTA_ISSUER") {
        Some(_) => None,
        None => Some(MockOkta::start().await), // ends when it is dropped
    };
    let (verifier, guide) = match &mock {
        Some(okta) => demo::start(okta, address, paste)?,
        None => live::start(example, address, paste).await?,
    };
    say(&format!("{guide}listening on http://{address}\n"));
    serve(listener, verifier).await
}

/// Prints to stdout. A reader that has gone away, as in `| head`, is no reason to stop serving.
pub fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// To stderr: what is wrong, and why, as far as the error knows.
pub(crate) fn complain(example: &str, error: &dyn Error) {
    eprintln!("{example}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
