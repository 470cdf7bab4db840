//! `MaybeVerified<R>`: missing credentials differ from invalid ones.

use actix_web::{Scope, web};
use okta_verifier::VerifiedToken;
use okta_verifier_actix::{MaybeVerified, Verified};

use crate::support::{
    INVALID, LACKS_SCOPE, PLAIN, ReadOrders, app, bearer, get, okta, send, strict,
};

fn routes() -> Scope {
    web::scope("")
        .route("/news", web::get().to(news))
        .route("/orders", web::get().to(orders))
        .route("/proof", web::get().to(proof))
        .route("/debug", web::get().to(debug))
}

fn subject(token: Option<&VerifiedToken>) -> String {
    token.map_or("anonymous", VerifiedToken::subject).to_owned()
}

async fn news(client: MaybeVerified) -> String {
    subject(client.token())
}

async fn orders(client: MaybeVerified<ReadOrders>) -> String {
    subject(client.token())
}

async fn proof(client: MaybeVerified<ReadOrders>) -> String {
    let token: Option<Verified<ReadOrders>> = client.clone().into_verified();
    token.map_or_else(|| "none".to_owned(), |token| token.subject().to_owned())
}

async fn debug(client: MaybeVerified) -> String {
    format!("{client:?}")
}

#[tokio::test]
async fn anonymous_request_has_no_token() {
    let app = app(routes().wrap(strict().optional())).await;
    for (path, body) in [
        ("/news", "anonymous"),
        ("/orders", "anonymous"),
        ("/proof", "none"),
        ("/debug", "MaybeVerified(None)"),
    ] {
        send(&app, get(path, &[])).await.assert_served(path, body);
    }
}

#[tokio::test]
async fn valid_token_is_extracted() {
    let app = app(routes().wrap(strict().optional())).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    for path in ["/news", "/orders", "/proof"] {
        send(&app, bearer(path, &reader))
            .await
            .assert_served(path, "ada");
    }
}

#[tokio::test]
async fn unmet_policy_is_403_not_anonymous() {
    let app = app(routes().wrap(strict().optional())).await;
    let other = okta().token("ada").sign();
    let response = send(&app, bearer("/news", &other)).await;
    response.assert_served("any token", "ada");
    let response = send(&app, bearer("/orders", &other)).await;
    response.assert_rejected("without the scope", 403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn invalid_token_is_401_not_anonymous() {
    let app = app(routes().wrap(strict().optional())).await;
    let response = send(&app, bearer("/news", "a.b.c")).await;
    response.assert_rejected("invalid token", 401, Some(INVALID));
}

#[tokio::test]
async fn strict_middleware_rejects_anonymous_requests() {
    let app = app(routes().wrap(strict())).await;
    let response = send(&app, get("/news", &[])).await;
    response.assert_rejected("no token", 401, Some(PLAIN));
}

#[tokio::test]
async fn missing_middleware_is_500() {
    let app = app(routes()).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    let response = send(&app, get("/news", &[])).await;
    response.assert_rejected("no token", 500, None);
    let response = send(&app, bearer("/orders", &reader)).await;
    response.assert_rejected("a valid token", 500, None);
}
