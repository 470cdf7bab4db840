//! The API on axum. DPoP is configured in the verifier only.

use std::{error::Error, net::TcpListener};

use axum::{Router, routing::get};
use okta_verifier::{Policy, Requirement, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};

pub(crate) async fn serve(listener: TcpListener, verifier: Verifier) -> Result<(), Box<dyn Error>> {
    let router = Router::new()
        .route("/orders", get(orders).post(order))
        .route_layer(VerifyLayer::new(verifier));
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(axum::serve(listener, router).await?)
}

/// The requirement of the routes, in both frameworks.
pub(crate) struct Orders;

impl Requirement for Orders {
    const POLICY: Policy = Policy::scope("orders:read");
}

async fn orders(token: Verified<Orders>) -> String {
    format!("the orders of {}\n", token.subject())
}

async fn order(token: Verified<Orders>) -> String {
    format!("{} ordered\n", token.subject())
}
