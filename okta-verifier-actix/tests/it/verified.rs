//! `Verified<R>`: any token, a scope, a group, two at once, and no middleware.

use actix_web::{Scope, web};
use okta_verifier::VerifiedToken;
use okta_verifier_actix::Verified;

use crate::support::{
    Admin, INVALID, LACKS_SCOPE, PLAIN, ReadOrders, app, bearer, get, okta, send, strict,
};

fn routes() -> Scope {
    web::scope("")
        .route("/me", web::get().to(me))
        .route("/orders", web::get().to(orders))
        .route("/admin", web::get().to(admin))
        .route("/both", web::get().to(both))
        .route("/kept", web::get().to(kept))
        .route("/debug", web::get().to(debug))
}

async fn me(token: Verified) -> String {
    token.subject().to_owned()
}

async fn orders(token: Verified<ReadOrders>) -> String {
    token.subject().to_owned()
}

async fn admin(token: Verified<Admin>) -> String {
    token.subject().to_owned()
}

async fn both(reader: Verified<ReadOrders>, admin: Verified<Admin>) -> String {
    format!("{} {}", reader.subject(), admin.clone().subject())
}

async fn kept(token: Verified) -> String {
    let token: VerifiedToken = token.into_token();
    token.subject().to_owned()
}

async fn debug(token: Verified<ReadOrders>) -> String {
    format!("{token:?}")
}

#[tokio::test]
async fn any_valid_token_is_accepted() {
    let app = app(routes().wrap(strict())).await;
    let jwt = okta().token("ada").sign();
    for path in ["/me", "/kept"] {
        send(&app, bearer(path, &jwt))
            .await
            .assert_served(path, "ada");
    }
    let invalid = send(&app, bearer("/me", "a.b.c")).await;
    invalid.assert_rejected("invalid", 401, Some(INVALID));
    let none = send(&app, get("/me", &[])).await;
    none.assert_rejected("none", 401, Some(PLAIN));
}

#[tokio::test]
async fn scope_requirement_is_enforced() {
    let app = app(routes().wrap(strict())).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    let response = send(&app, bearer("/orders", &reader)).await;
    response.assert_served("reader", "ada");
    let other = okta().token("ada").scope("orders").sign();
    let response = send(&app, bearer("/orders", &other)).await;
    response.assert_rejected("other", 403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn group_requirement_is_enforced() {
    let app = app(routes().wrap(strict())).await;
    let member = okta().token("ada").group("Admins").sign();
    let response = send(&app, bearer("/admin", &member)).await;
    response.assert_served("member", "ada");
    let other = okta().token("ada").group("admins").sign();
    let response = send(&app, bearer("/admin", &other)).await;
    response.assert_rejected("other", 403, None);
}

#[tokio::test]
async fn several_requirements_in_one_handler_are_all_checked() {
    let app = app(routes().wrap(strict())).await;
    let token = || okta().token("ada");
    let both = token().scope("orders:read").group("Admins").sign();
    let response = send(&app, bearer("/both", &both)).await;
    response.assert_served("both", "ada ada");
    let reader = token().scope("orders:read").sign();
    let response = send(&app, bearer("/both", &reader)).await;
    response.assert_rejected("reader", 403, None);
    let admin = token().group("Admins").sign();
    let response = send(&app, bearer("/both", &admin)).await;
    response.assert_rejected("admin", 403, Some(LACKS_SCOPE));
}

/// An anonymous request gets a challenge, never 403.
#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    let app = app(routes().wrap(strict().optional())).await;
    for path in ["/me", "/orders", "/admin", "/both"] {
        let response = send(&app, get(path, &[])).await;
        response.assert_rejected(path, 401, Some(PLAIN));
    }
}

/// Fails closed: a route without its middleware serves no request.
#[tokio::test]
async fn missing_middleware_is_500() {
    let app = app(routes()).await;
    let jwt = okta().token("ada").scope("orders:read").sign();
    for path in ["/me", "/orders", "/admin", "/kept"] {
        let response = send(&app, bearer(path, &jwt)).await;
        response.assert_rejected(path, 500, None);
        let response = send(&app, get(path, &[])).await;
        response.assert_rejected(path, 500, None);
    }
}

#[tokio::test]
async fn debug_output_shows_no_token() {
    let app = app(routes().wrap(strict())).await;
    let jwt = okta().token("ada").scope("orders:read").sign();
    let text = send(&app, bearer("/debug", &jwt)).await.body;
    assert!(text.starts_with("Verified("), "{text}");
    assert!(jwt.split('.').all(|part| !text.contains(part)), "{text}");
}
