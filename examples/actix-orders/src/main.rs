//! An actix-web API that accepts access tokens of Okta: `cargo run -p actix-orders`.
//!
//! Without settings it starts a mock Okta beside the API and prints `curl` lines to paste. With
//! `OKTA_ISSUER` set it trusts that issuer and prints how to get a token from it.

mod routes;

use std::process::ExitCode;

use actix_web::{App, HttpServer};
use okta_verifier_actix::VerifyMiddleware;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::run("actix-orders", async |listener, verifier| {
        // Once, outside the factory that each worker runs: all of them share the keys.
        let verify = VerifyMiddleware::new(verifier);
        HttpServer::new(move || App::new().configure(|api| routes::routes(api, &verify)))
            .listen(listener)?
            .run()
            .await?;
        Ok(())
    })
    .await
}
