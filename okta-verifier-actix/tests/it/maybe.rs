//! `MaybeVerified<R>`: no credentials is not the same as bad ones.

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
    token.map_or("nobody", VerifiedToken::subject).to_owned()
}

async fn news(caller: MaybeVerified) -> String {
    subject(caller.token())
}

async fn orders(caller: MaybeVerified<ReadOrders>) -> String {
    subject(caller.token())
}

async fn proof(caller: MaybeVerified<ReadOrders>) -> String {
    let token: Option<Verified<ReadOrders>> = caller.clone().into_verified();
    token.map_or_else(|| "none".to_owned(), |token| token.subject().to_owned())
}

async fn debug(caller: MaybeVerified) -> String {
    format!("{caller:?}")
}

#[tokio::test]
async fn anonymous_is_no_token() {
    let app = app(routes().wrap(strict().optional())).await;
    for (path, body) in [
        ("/news", "nobody"),
        ("/orders", "nobody"),
        ("/proof", "none"),
        ("/debug", "MaybeVerified(None)"),
    ] {
        send(&app, get(path, &[])).await.served(path, body);
    }
}

#[tokio::test]
async fn a_good_token_is_there() {
    let app = app(routes().wrap(strict().optional())).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    for path in ["/news", "/orders", "/proof"] {
        send(&app, bearer(path, &reader)).await.served(path, "ada");
    }
}

#[tokio::test]
async fn an_unmet_policy_is_403_and_not_nobody() {
    let app = app(routes().wrap(strict().optional())).await;
    let other = okta().token("ada").sign();
    let answer = send(&app, bearer("/news", &other)).await;
    answer.served("any token", "ada");
    let answer = send(&app, bearer("/orders", &other)).await;
    answer.refused("without the scope", 403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn a_bad_token_is_401_and_not_nobody() {
    let app = app(routes().wrap(strict().optional())).await;
    let answer = send(&app, bearer("/news", "a.b.c")).await;
    answer.refused("bad token", 401, Some(INVALID));
}

#[tokio::test]
async fn a_strict_middleware_lets_nobody_pass() {
    let app = app(routes().wrap(strict())).await;
    let answer = send(&app, get("/news", &[])).await;
    answer.refused("no token", 401, Some(PLAIN));
}

#[tokio::test]
async fn a_missing_middleware_is_500() {
    let app = app(routes()).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    let answer = send(&app, get("/news", &[])).await;
    answer.refused("no token", 500, None);
    let answer = send(&app, bearer("/orders", &reader)).await;
    answer.refused("a good token", 500, None);
}
