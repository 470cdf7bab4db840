//! `Claims<T>`: the payload as the handler's own type.

use actix_web::{Scope, web};
use okta_verifier_actix::{Claims, Verified};
use serde::Deserialize;

use crate::support::{LACKS_SCOPE, PLAIN, ReadOrders, app, bearer, get, okta, send, strict};

#[derive(Deserialize)]
struct Employee {
    sub: String,
    department: String,
    level: Option<u8>,
}

async fn desk(Claims(employee): Claims<Employee>) -> String {
    let Employee {
        sub,
        department,
        level,
    } = employee;
    format!("{sub} {department} {level:?}")
}

async fn order_desk(_: Verified<ReadOrders>, Claims(employee): Claims<Employee>) -> String {
    employee.department
}

fn routes() -> Scope {
    web::scope("")
        .route("/desk", web::get().to(desk))
        .route("/orders", web::get().to(order_desk))
}

#[tokio::test]
async fn claims_that_match_are_extracted() {
    let app = app(routes().wrap(strict())).await;
    let clerk = || okta().token("ada").claim("department", "engines");
    let response = send(&app, bearer("/desk", &clerk().sign())).await;
    response.assert_served("without a level", "ada engines None");
    let response = send(&app, bearer("/desk", &clerk().claim("level", 7).sign())).await;
    response.assert_served("with a level", "ada engines Some(7)");
}

// conformance 225
/// The token is valid and a new one would not help, so the response is 403 without a challenge.
#[tokio::test]
async fn claims_that_do_not_match_are_403_without_a_challenge() {
    let app = app(routes().wrap(strict())).await;
    let absent = okta().token("ada").sign();
    let response = send(&app, bearer("/desk", &absent)).await;
    response.assert_rejected("absent", 403, None);
    let number = okta().token("ada").claim("department", 7).sign();
    let response = send(&app, bearer("/desk", &number)).await;
    response.assert_rejected("number", 403, None);
}

#[tokio::test]
async fn claims_and_requirement_are_both_checked() {
    let app = app(routes().wrap(strict())).await;
    let clerk = okta().token("ada").claim("department", "engines");
    let response = send(&app, bearer("/orders", &clerk.clone().sign())).await;
    response.assert_rejected("clerk", 403, Some(LACKS_SCOPE));
    let reader = clerk.scope("orders:read").sign();
    let response = send(&app, bearer("/orders", &reader)).await;
    response.assert_served("reader", "engines");
}

#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    let app = app(routes().wrap(strict().optional())).await;
    let response = send(&app, get("/desk", &[])).await;
    response.assert_rejected("anonymous", 401, Some(PLAIN));
}

#[tokio::test]
async fn missing_middleware_is_500() {
    let app = app(routes()).await;
    let jwt = okta().token("ada").claim("department", "engines").sign();
    let response = send(&app, bearer("/desk", &jwt)).await;
    response.assert_rejected("a valid token", 500, None);
}
