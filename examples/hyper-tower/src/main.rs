//! A hyper API that accepts access tokens of Okta: `cargo run -p hyper-tower`.
//!
//! Without settings it starts a mock Okta beside the API and prints `curl` lines to paste. With
//! `OKTA_ISSUER` set it trusts that issuer and prints how to get a token from it.

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
