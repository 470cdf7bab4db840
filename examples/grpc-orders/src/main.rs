//! A tonic server that accepts Okta access tokens: `cargo run -p grpc-orders`.
//!
//! Without settings it also starts a mock Okta, and prints commands to paste. If `OKTA_ISSUER` is set,
//! it trusts that issuer and prints how to get a token from it. The commands run
//! `grpc-orders client`, so no other client is needed.

mod client;
mod proto;
mod services;

use std::{env, process::ExitCode};

use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => serve().await,
        ["client", url, method] => client::run(url, method, None).await,
        ["client", url, method, token] => client::run(url, method, Some(token)).await,
        _ => client::usage(),
    }
}

async fn serve() -> ExitCode {
    example_support::run_grpc("grpc-orders", async |listener, verifier| {
        let incoming = TcpIncoming::from(TcpListener::from_std(listener)?);
        let routes = services::routes(verifier);
        Server::builder()
            .serve_with_incoming(routes, incoming)
            .await?;
        Ok(())
    })
    .await
}
