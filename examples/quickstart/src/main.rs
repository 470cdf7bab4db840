//! An axum API that accepts access tokens of Okta: `cargo run -p quickstart`, and nothing else.
//!
//! Without settings it starts a mock Okta beside the API and prints `curl` lines to paste. With
//! `OKTA_ISSUER` set it trusts that issuer and prints how to get a token from it.

mod demo;
mod listen;
mod live;
mod router;

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use okta_verifier_testing::MockOkta;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let listener = listen::listen().await?;
    let address = listener.local_addr()?;

    // Set but empty is a mistake to point out, and no reason to trust a mock.
    let mock = match env::var_os("OKTA_ISSUER") {
        Some(_) => None,
        None => Some(MockOkta::start().await), // ends when it is dropped
    };
    let (verifier, guide) = match &mock {
        Some(okta) => demo::start(okta, address)?,
        None => live::start(address).await?,
    };
    say(&guide);
    say(&format!("listening on http://{address}\n"));
    axum::serve(listener, router::router(verifier)).await?;
    Ok(())
}

/// To stdout. A reader that has gone away, as in `| head`, is no reason to stop serving.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// To stderr: what is wrong, and why, as far as the error knows.
fn complain(error: &dyn Error) {
    eprintln!("quickstart: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
