//! The routes, as a real service would contain them.

use actix_web::web::{self, Json, ServiceConfig};
use okta_verifier::{Policy, Requirement, SubjectKind};
use okta_verifier_actix::{Verified, VerifyMiddleware};
use serde::Serialize;

/// Adds the routes behind `verify`, and `/health`, which is open.
///
/// Each resource is wrapped separately, so unknown paths stay 404. In an API with a path prefix, wrap
/// the `web::scope` instead.
pub(crate) fn routes(api: &mut ServiceConfig, verify: &VerifyMiddleware) {
    api.service(web::resource("/health").get(health))
        .service(web::resource("/me").wrap(verify.clone()).get(me))
        .service(web::resource("/orders").wrap(verify.clone()).get(orders))
        .service(web::resource("/admin").wrap(verify.clone()).get(admin));
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
