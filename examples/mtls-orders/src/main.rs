//! An API with tokens that are bound to a certificate (RFC 8705), on axum and on actix-web:
//! `cargo run -p mtls-orders`.
//!
//! Without settings it also starts a mock Okta, creates certificates, and prints `curl` lines to
//! paste. If `OKTA_ISSUER` is set, it trusts that issuer.

mod actix;
mod axum;
mod demo;
mod settings;
mod tls;

use std::{error::Error, process::ExitCode};

use settings::{Framework, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    example_support::report("mtls-orders", serve().await)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let framework = settings::framework()?;
    let listener = example_support::listen()?;
    let address = listener.local_addr()?;
    let demo; // dropping it stops the mock and deletes its files
    let (settings, guide) = match Settings::from_env()? {
        Some(settings) => (settings, String::new()),
        None => {
            demo = demo::Demo::start().await?;
            (demo.settings(), demo.guide(address))
        }
    };
    let verifier = settings.verifier()?;
    let tls = tls::config(&settings)?;
    example_support::print(&format!("{guide}listening on https://{address}\n"));
    match framework {
        Framework::Axum => axum::serve(listener, tls, verifier).await,
        Framework::Actix => actix::serve(listener, tls, verifier).await,
    }
}
