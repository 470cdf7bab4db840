//! An axum API that accepts access tokens of Okta: `cargo run -p quickstart`, and nothing else.
//!
//! Without settings it starts a mock Okta beside the API and prints `curl` lines to paste. With
//! `OKTA_ISSUER` set it trusts that issuer and prints how to get a token from it.

mod router;

use std::process::ExitCode;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::run("quickstart", async |listener, verifier| {
        let listener = TcpListener::from_std(listener)?;
        axum::serve(listener, router::router(verifier)).await?;
        Ok(())
    })
    .await
}
