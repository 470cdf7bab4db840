//! A tonic server that accepts access tokens of Okta: `cargo run -p grpc-orders`.
//!
//! Without settings it starts a mock Okta beside the server and prints commands to paste. With
//! `OKTA_ISSUER` set it trusts that issuer and prints how to get a token from it. The commands run
//! `grpc-orders client`, so that nothing else is needed to try it.

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
