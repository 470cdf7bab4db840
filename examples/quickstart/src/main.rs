//! An axum API that accepts Okta access tokens: `cargo run -p quickstart`.
//!
//! Without settings it also starts a mock Okta, and prints `curl` lines to paste. If `OKTA_ISSUER` is
//! set, it trusts that issuer and prints how to get a token from it.

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
