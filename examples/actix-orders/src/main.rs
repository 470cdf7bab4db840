//! An actix-web API that accepts Okta access tokens: `cargo run -p actix-orders`.
//!
//! Without settings it also starts a mock Okta, and prints `curl` lines to paste. If `OKTA_ISSUER` is
//! set, it trusts that issuer and prints how to get a token from it.

mod routes;

use std::process::ExitCode;

use actix_web::{App, HttpServer};
use okta_verifier_actix::VerifyMiddleware;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::run("actix-orders", async |listener, verifier| {
        // Created once, outside the factory that each worker runs, so that all workers share the keys.
        let verify = VerifyMiddleware::new(verifier);
        HttpServer::new(move || App::new().configure(|api| routes::routes(api, &verify)))
            .listen(listener)?
            .run()
            .await?;
        Ok(())
    })
    .await
}
