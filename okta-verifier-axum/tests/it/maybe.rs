//! `MaybeVerified<R>`: missing credentials differ from invalid ones.

use axum::{Router, routing};
use okta_verifier::{Requirement, VerifiedToken};
use okta_verifier_axum::{MaybeVerified, Verified, VerifyLayer};

use crate::support::{INVALID, LACKS_SCOPE, PLAIN, ReadOrders, get, okta, strict};

fn subject<R: Requirement>(client: &MaybeVerified<R>) -> String {
    client
        .token()
        .map_or("anonymous", VerifiedToken::subject)
        .to_owned()
}

fn routes() -> Router {
    Router::new()
        .route(
            "/news",
            routing::get(async |client: MaybeVerified| subject(&client)),
        )
        .route(
            "/orders",
            routing::get(async |client: MaybeVerified<ReadOrders>| subject(&client)),
        )
        .route("/proof", routing::get(proof))
}

async fn proof(client: MaybeVerified<ReadOrders>) -> String {
    let token: Option<Verified<ReadOrders>> = client.clone().into_verified();
    token.map_or_else(|| "none".to_owned(), |token| token.subject().to_owned())
}

fn app(layer: VerifyLayer) -> Router {
    routes().route_layer(layer)
}

#[tokio::test]
async fn anonymous_request_has_no_token() {
    let app = app(strict().optional());
    get(&app, "/news", None).await.assert_served("anonymous");
    get(&app, "/orders", None).await.assert_served("anonymous");
    get(&app, "/proof", None).await.assert_served("none");
}

#[tokio::test]
async fn valid_token_is_extracted() {
    let app = app(strict().optional());
    let reader = okta().token("ada").scope("orders:read").sign();
    for path in ["/news", "/orders", "/proof"] {
        get(&app, path, Some(&reader)).await.assert_served("ada");
    }
}

#[tokio::test]
async fn unmet_policy_is_403_not_anonymous() {
    let app = app(strict().optional());
    let other = okta().token("ada").sign();
    get(&app, "/news", Some(&other)).await.assert_served("ada");
    get(&app, "/orders", Some(&other))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn invalid_token_is_401_not_anonymous() {
    get(&app(strict().optional()), "/news", Some("a.b.c"))
        .await
        .assert_rejected(401, Some(INVALID));
}

#[tokio::test]
async fn strict_layer_rejects_anonymous_requests() {
    get(&app(strict()), "/news", None)
        .await
        .assert_rejected(401, Some(PLAIN));
}

#[tokio::test]
async fn missing_layer_is_500() {
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&routes(), "/news", None)
        .await
        .assert_rejected(500, None);
    get(&routes(), "/orders", Some(&reader))
        .await
        .assert_rejected(500, None);
}
