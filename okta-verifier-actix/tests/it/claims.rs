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
async fn claims_that_fit_are_read() {
    let app = app(routes().wrap(strict())).await;
    let clerk = || okta().token("ada").claim("department", "engines");
    let answer = send(&app, bearer("/desk", &clerk().sign())).await;
    answer.served("without a level", "ada engines None");
    let answer = send(&app, bearer("/desk", &clerk().claim("level", 7).sign())).await;
    answer.served("with a level", "ada engines Some(7)");
}

// conformance 225
/// The token is valid and a new one would not help: 403 without a challenge.
#[tokio::test]
async fn claims_that_do_not_fit_are_403_without_a_challenge() {
    let app = app(routes().wrap(strict())).await;
    let absent = okta().token("ada").sign();
    let answer = send(&app, bearer("/desk", &absent)).await;
    answer.refused("absent", 403, None);
    let number = okta().token("ada").claim("department", 7).sign();
    let answer = send(&app, bearer("/desk", &number)).await;
    answer.refused("number", 403, None);
}

#[tokio::test]
async fn beside_a_requirement_both_are_checked() {
    let app = app(routes().wrap(strict())).await;
    let clerk = okta().token("ada").claim("department", "engines");
    let answer = send(&app, bearer("/orders", &clerk.clone().sign())).await;
    answer.refused("clerk", 403, Some(LACKS_SCOPE));
    let reader = clerk.scope("orders:read").sign();
    let answer = send(&app, bearer("/orders", &reader)).await;
    answer.served("reader", "engines");
}

#[tokio::test]
async fn anonymous_is_the_plain_401() {
    let app = app(routes().wrap(strict().optional())).await;
    let answer = send(&app, get("/desk", &[])).await;
    answer.refused("anonymous", 401, Some(PLAIN));
}

#[tokio::test]
async fn a_missing_middleware_is_500() {
    let app = app(routes()).await;
    let jwt = okta().token("ada").claim("department", "engines").sign();
    let answer = send(&app, bearer("/desk", &jwt)).await;
    answer.refused("a good token", 500, None);
}
