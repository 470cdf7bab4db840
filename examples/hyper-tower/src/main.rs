//! A hyper API that accepts Okta access tokens: `cargo run -p hyper-tower`.
//!
//! Without settings it also starts a mock Okta, and prints `curl` lines to paste. If `OKTA_ISSUER` is
//! set, it trusts that issuer and prints how to get a token from it.

mod api;
mod serve;

use std::process::ExitCode;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::run("hyper-tower", async |listener, verifier| {
        let listener = TcpListener::from_std(listener)?;
        serve::serve(listener, api::api(verifier)).await;
        Ok(())
    })
    .await
}
