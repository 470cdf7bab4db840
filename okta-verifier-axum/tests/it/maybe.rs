//! `MaybeVerified<R>`: no credentials is not the same as bad ones.

use axum::{Router, routing};
use okta_verifier::{Requirement, VerifiedToken};
use okta_verifier_axum::{MaybeVerified, Verified, VerifyLayer};

use crate::support::{INVALID, LACKS_SCOPE, PLAIN, ReadOrders, get, okta, strict};

fn subject<R: Requirement>(caller: &MaybeVerified<R>) -> String {
    caller
        .token()
        .map_or("nobody", VerifiedToken::subject)
        .to_owned()
}

fn routes() -> Router {
    Router::new()
        .route(
            "/news",
            routing::get(async |caller: MaybeVerified| subject(&caller)),
        )
        .route(
            "/orders",
            routing::get(async |caller: MaybeVerified<ReadOrders>| subject(&caller)),
        )
        .route("/proof", routing::get(proof))
}

async fn proof(caller: MaybeVerified<ReadOrders>) -> String {
    let token: Option<Verified<ReadOrders>> = caller.clone().into_verified();
    token.map_or_else(|| "none".to_owned(), |token| token.subject().to_owned())
}

fn app(layer: VerifyLayer) -> Router {
    routes().route_layer(layer)
}

#[tokio::test]
async fn anonymous_is_no_token() {
    let app = app(strict().optional());
    get(&app, "/news", None).await.served("nobody");
    get(&app, "/orders", None).await.served("nobody");
    get(&app, "/proof", None).await.served("none");
}

#[tokio::test]
async fn a_good_token_is_there() {
    let app = app(strict().optional());
    let reader = okta().token("ada").scope("orders:read").sign();
    for path in ["/news", "/orders", "/proof"] {
        get(&app, path, Some(&reader)).await.served("ada");
    }
}

#[tokio::test]
async fn an_unmet_policy_is_403_and_not_nobody() {
    let app = app(strict().optional());
    let other = okta().token("ada").sign();
    get(&app, "/news", Some(&other)).await.served("ada");
    get(&app, "/orders", Some(&other))
        .await
        .refused(403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn a_bad_token_is_401_and_not_nobody() {
    get(&app(strict().optional()), "/news", Some("a.b.c"))
        .await
        .refused(401, Some(INVALID));
}

#[tokio::test]
async fn a_strict_layer_lets_nobody_pass() {
    get(&app(strict()), "/news", None)
        .await
        .refused(401, Some(PLAIN));
}

#[tokio::test]
async fn a_missing_layer_is_500() {
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&routes(), "/news", None).await.refused(500, None);
    get(&routes(), "/orders", Some(&reader))
        .await
        .refused(500, None);
}
