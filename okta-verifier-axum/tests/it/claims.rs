//! `Claims<T>`: the payload as the handler's own type.

use axum::{Router, routing};
use okta_verifier_axum::{Claims, Verified, VerifyLayer};
use serde::Deserialize;

use crate::support::{LACKS_SCOPE, PLAIN, ReadOrders, get, okta, strict};

#[derive(Deserialize)]
struct Employee {
    sub: String,
    department: String,
    level: Option<u8>,
}

async fn desk(Claims(employee): Claims<Employee>) -> String {
    format!(
        "{} {} {:?}",
        employee.sub, employee.department, employee.level
    )
}

async fn order_desk(_: Verified<ReadOrders>, Claims(employee): Claims<Employee>) -> String {
    employee.department
}

fn routes() -> Router {
    Router::new()
        .route("/desk", routing::get(desk))
        .route("/orders", routing::get(order_desk))
}

fn app(layer: VerifyLayer) -> Router {
    routes().route_layer(layer)
}

#[tokio::test]
async fn claims_that_match_are_extracted() {
    let app = app(strict());
    let jwt = okta().token("ada").claim("department", "engines").sign();
    get(&app, "/desk", Some(&jwt))
        .await
        .assert_served("ada engines None");
    let jwt = okta()
        .token("ada")
        .claim("department", "engines")
        .claim("level", 7)
        .sign();
    get(&app, "/desk", Some(&jwt))
        .await
        .assert_served("ada engines Some(7)");
}

// conformance 225
/// The token is valid and a new one would not help, so the response is 403 without a challenge.
#[tokio::test]
async fn claims_that_do_not_match_are_403_without_a_challenge() {
    let app = app(strict());
    let absent = okta().token("ada").sign();
    get(&app, "/desk", Some(&absent))
        .await
        .assert_rejected(403, None);
    let number = okta().token("ada").claim("department", 7).sign();
    get(&app, "/desk", Some(&number))
        .await
        .assert_rejected(403, None);
}

#[tokio::test]
async fn claims_and_requirement_are_both_checked() {
    let app = app(strict());
    let clerk = okta().token("ada").claim("department", "engines");
    get(&app, "/orders", Some(&clerk.sign()))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
    let reader = okta()
        .token("ada")
        .claim("department", "engines")
        .scope("orders:read");
    get(&app, "/orders", Some(&reader.sign()))
        .await
        .assert_served("engines");
}

#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    get(&app(strict().optional()), "/desk", None)
        .await
        .assert_rejected(401, Some(PLAIN));
}

#[tokio::test]
async fn missing_layer_is_500() {
    let jwt = okta().token("ada").claim("department", "engines").sign();
    get(&routes(), "/desk", Some(&jwt))
        .await
        .assert_rejected(500, None);
}
