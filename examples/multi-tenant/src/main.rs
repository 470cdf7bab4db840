//! An axum API of several tenants, each with its own issuer: `cargo run -p multi-tenant`.
//!
//! Without settings it also starts a mock Okta per tenant, and prints `curl` lines to paste. If
//! `TENANTS` is set, it trusts the issuers that are listed there.

mod database;
mod demo;
mod router;
mod settings;
mod tenants;

use std::{error::Error, process::ExitCode};

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::report("multi-tenant", serve().await)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = example_support::listen()?;
    let address = listener.local_addr()?;
    // The mocks stop when they are dropped.
    let (settings, mocks) = match settings::from_env()? {
        Some(settings) => (settings, None),
        None => {
            let mocks = demo::Mocks::start().await;
            (mocks.settings(), Some(mocks))
        }
    };
    let router = router::router(&settings)?;
    let guide = mocks.as_ref().map(|mocks| mocks.guide(address));
    example_support::print(&format!(
        "{}listening on http://{address}\n",
        guide.unwrap_or_default()
    ));
    axum::serve(TcpListener::from_std(listener)?, router).await?;
    Ok(())
}
