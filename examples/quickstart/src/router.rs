//! The API, as a real service would contain it.

use axum::{Json, Router, routing::get};
use okta_verifier::{Policy, Requirement, SubjectKind, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};
use serde::Serialize;

/// Returns the routes behind `verifier`, and `/health`, which is open.
pub(crate) fn router(verifier: Verifier) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/orders", get(orders))
        .route("/admin", get(admin))
        // The layer covers the routes above only. Unknown paths stay 404, and routes added after it are
        // open.
        .route_layer(VerifyLayer::new(verifier))
        .route("/health", get(health))
}

struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

struct Admin;

impl Requirement for Admin {
    const POLICY: Policy = Policy::group("Admins");
}

async fn health() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Me {
    subject: String,
    client_id: Option<String>,
    scopes: Vec<String>,
    groups: Vec<String>,
    is_user: bool,
}

async fn me(token: Verified) -> Json<Me> {
    Json(Me {
        subject: token.subject().to_owned(),
        client_id: token.client_id().map(str::to_owned),
        scopes: token.scopes().map(str::to_owned).collect(),
        groups: token.groups().map(str::to_owned).collect(),
        is_user: token.subject_kind() == SubjectKind::User,
    })
}

async fn orders(token: Verified<ReadOrders>) -> String {
    format!("the orders of {}\n", token.subject())
}

async fn admin(token: Verified<Admin>) -> String {
    format!("hello, administrator {}\n", token.subject())
}

#[cfg(test)]
mod tests;
