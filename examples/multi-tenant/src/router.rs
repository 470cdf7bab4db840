//! The routes of the API, as a real service would contain them.

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};
use okta_verifier::Verifier;
use okta_verifier_axum::{RequireLayer, Verified, VerifyLayer};

use crate::settings::Policies;

/// Returns the routes, each with the policy of the settings file.
pub(crate) fn router(verifier: &Verifier, policies: Policies) -> Router {
    let verify = VerifyLayer::new(verifier.clone());

    // These routes need no introspection, so a revoked token can read until it expires.
    let orders = Router::new()
        .route("/orders", get(orders))
        .route_layer(RequireLayer::new(policies.read));
    let audit = Router::new()
        .route("/audit", get(audit))
        .route_layer(RequireLayer::new(policies.audit));
    let local = orders.merge(audit).route_layer(verify.clone());

    // A revoked token must not pay, so the introspection result may be at most five seconds old.
    let payments = Router::new()
        .route("/payments", post(pay))
        .route_layer(RequireLayer::new(policies.pay))
        .route_layer(verify.max_introspection_age(Duration::from_secs(5)));

    local.merge(payments)
}

/// Lists orders. A subject is unique only within its issuer, so both of them select the data.
async fn orders(token: Verified) -> String {
    let (subject, issuer) = (token.subject(), token.issuer());
    format!("the orders of {subject} at {issuer}\n")
}

async fn pay(token: Verified) -> String {
    let (subject, issuer) = (token.subject(), token.issuer());
    format!("{subject} at {issuer} has paid\n")
}

/// Lists the payments of all tenants, for our own staff.
async fn audit(_: Verified) -> &'static str {
    "the payments of all tenants\n"
}
