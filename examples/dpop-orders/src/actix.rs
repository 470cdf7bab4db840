//! The API on actix-web. DPoP is configured in the verifier only.

use std::{error::Error, net::TcpListener};

use actix_web::{App, HttpServer, web};
use okta_verifier::Verifier;
use okta_verifier_actix::{Verified, VerifyMiddleware};

use crate::axum::Orders;

pub(crate) async fn serve(listener: TcpListener, verifier: Verifier) -> Result<(), Box<dyn Error>> {
    // Created once, outside the factory that each worker runs, so that all workers share the keys and
    // the used proofs.
    let verify = VerifyMiddleware::new(verifier);
    let app = move || {
        let resource = web::resource("/orders").wrap(verify.clone());
        App::new().service(resource.get(orders).post(order))
    };
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}

async fn orders(token: Verified<Orders>) -> String {
    format!("the orders of {}\n", token.subject())
}

async fn order(token: Verified<Orders>) -> String {
    format!("{} ordered\n", token.subject())
}
