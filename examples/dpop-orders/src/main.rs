//! An API with tokens that are bound to a key (DPoP, RFC 9449), on axum and on actix-web:
//! `cargo run -p dpop-orders`.
//!
//! Without settings it also starts a mock Okta, and prints `curl` lines with proofs to paste. If
//! `OKTA_ISSUER` is set, it trusts that issuer.

mod actix;
mod axum;
mod demo;
mod settings;

use std::{error::Error, process::ExitCode};

use okta_verifier_testing::MockOkta;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::report("dpop-orders", serve().await)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = example_support::listen()?;
    let address = listener.local_addr()?;
    let base_url = format!("http://{address}");
    let framework = settings::framework()?;

    let mock; // stops when it is dropped
    let (issuer, guide) = match settings::issuer()? {
        Some(issuer) => (issuer, String::new()),
        None => {
            mock = MockOkta::start().await;
            (demo::issuer(&mock), demo::guide(&mock, &base_url))
        }
    };
    let verifier = settings::verifier(issuer, &base_url)?;
    example_support::print(&format!("{guide}listening on {base_url}\n"));
    match framework {
        settings::Framework::Axum => axum::serve(listener, verifier).await,
        settings::Framework::Actix => actix::serve(listener, verifier).await,
    }
}
