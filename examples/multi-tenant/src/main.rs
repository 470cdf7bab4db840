//! An axum API of several tenants, each with its own issuer: `cargo run -p multi-tenant`.
//!
//! The tenants and the policies of the routes are in a settings file, which `SETTINGS` names. The API reads it
//! again on SIGHUP. Without `SETTINGS` it also starts mock issuers, writes a settings file for them, and prints
//! lines to paste.

// Without SIGHUP, only the tests reload.
#[cfg_attr(not(unix), allow(dead_code))]
mod api;
mod demo;
mod router;
mod settings;

use std::{env, error::Error, process::ExitCode};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use api::Api;
use demo::Demo;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::report("multi-tenant", serve().await)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    example_support::log("warn,multi_tenant=info");
    // From here on, a SIGHUP does not end the process.
    #[cfg(unix)]
    let hangups = signal(SignalKind::hangup())?;
    let listener = example_support::listen()?;
    let address = listener.local_addr()?;
    // An empty `SETTINGS` is a mistake that must be reported. It must not make the API trust the mocks.
    let (path, demo) = match env::var_os("SETTINGS") {
        Some(path) => (path.into(), None),
        None => {
            let demo = Demo::start().await?; // the mocks stop when it is dropped
            (demo.settings(), Some(demo))
        }
    };
    let api = Api::start(path)?;
    let service = api.service();
    #[cfg(unix)]
    tokio::spawn(api.reload_at_each(hangups));
    let guide = demo.as_ref().map(|demo| demo.guide(address));
    example_support::print(&format!(
        "{}listening on http://{address}\n",
        guide.unwrap_or_default()
    ));
    axum::serve(TcpListener::from_std(listener)?, service).await?;
    Ok(())
}
