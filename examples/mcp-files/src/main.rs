//! An MCP server whose tools need scopes, on axum and rmcp: `cargo run -p mcp-files`.
//!
//! Without settings it also starts a mock Okta, at which MCP clients can register and log in. If `OKTA_ISSUER` is set,
//! it trusts that issuer.

mod demo;
mod files;
mod policies;
mod router;
mod server;
mod settings;

use std::{error::Error, io, process::ExitCode};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use demo::Demo;
use settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::report("mcp-files", serve().await)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    example_support::log("warn");
    let signal = signal()?;
    let listener = example_support::listen()?;
    let address = listener.local_addr()?;
    let settings = Settings::from_env(address)?;
    let demo; // the mock stops when it is dropped
    let (verifier, guide) = match Settings::issuer()? {
        Some((issuer, audience)) => (settings.verifier(issuer, &audience)?, String::new()),
        None => {
            demo = Demo::start(&settings).await;
            (demo.verifier(&settings)?, demo.guide(&settings))
        }
    };
    // Not fatal: while the issuer is unavailable, requests with a token get 503.
    if let Err(error) = verifier.warm_up().await {
        eprintln!("mcp-files: {error}");
    }
    let ended = CancellationToken::new();
    let router = router::router(&verifier, &settings, ended.clone())?;
    example_support::print(&format!(
        "{guide}\
         the MCP server is {}\n\
         # With RUST_LOG=okta_verifier=debug, the log has the reason of each rejection.\n\
         listening on http://{address}\n",
        settings.url
    ));
    axum::serve(TcpListener::from_std(listener)?, router)
        .with_graceful_shutdown(async move {
            signal.await;
            // Otherwise the streams of rmcp, which end with their clients, would keep the server running.
            ended.cancel();
        })
        .await?;
    Ok(())
}

/// Returns a future that ends with the first SIGINT or SIGTERM.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns a future that ends with Ctrl-C.
#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
