//! An axum API of several tenants, each with an issuer of its own: `cargo run -p multi-tenant`.
//!
//! Without settings it starts a mock Okta for each tenant and prints `curl` lines to paste. With
//! `TENANTS` set it trusts the issuers that are listed there.

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
    // The mocks end when they are dropped.
    let (settings, mocks) = match settings::from_env()? {
        Some(settings) => (settings, None),
        None => {
            let mocks = demo::Mocks::start().await;
            (mocks.settings(), Some(mocks))
        }
    };
    let router = router::router(&settings)?;
    let guide = mocks.as_ref().map(|mocks| mocks.guide(address));
    example_support::say(&format!(
        "{}listening on http://{address}\n",
        guide.unwrap_or_default()
    ));
    axum::serve(TcpListener::from_std(listener)?, router).await?;
    Ok(())
}
