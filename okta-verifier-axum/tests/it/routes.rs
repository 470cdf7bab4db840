//! `route_layer`: the paths that it covers, those that stay open, and those that stay 404.

use axum::{Router, routing};
use okta_verifier_axum::Verified;

use crate::support::{PLAIN, get, okta, strict};

async fn me(token: Verified) -> String {
    token.subject().to_owned()
}

fn app() -> Router {
    Router::new()
        .route("/me", routing::get(me))
        .route_layer(strict())
        .route("/health", routing::get(async || "ok"))
}

#[tokio::test]
async fn health_stays_open() {
    get(&app(), "/health", None).await.assert_served("ok");
    get(&app(), "/health", Some("a.b.c"))
        .await
        .assert_served("ok");
}

#[tokio::test]
async fn unknown_paths_stay_404() {
    let jwt = okta().token("ada").sign();
    assert_eq!(get(&app(), "/nowhere", None).await.status, 404);
    assert_eq!(get(&app(), "/nowhere", Some(&jwt)).await.status, 404);
}

/// Why the documentation says `route_layer`: `layer` wraps the fallback too.
#[tokio::test]
async fn unknown_paths_are_rejected_with_layer() {
    let app = Router::new().route("/me", routing::get(me)).layer(strict());
    get(&app, "/nowhere", None)
        .await
        .assert_rejected(401, Some(PLAIN));
}

/// The other way: a nested router keeps its layer to itself.
#[tokio::test]
async fn nested_router_keeps_its_layer_to_itself() {
    let protected = Router::new()
        .route("/me", routing::get(me))
        .route_layer(strict());
    let app = Router::new()
        .nest("/v1", protected)
        .route("/health", routing::get(async || "ok"));
    let jwt = okta().token("ada").sign();
    get(&app, "/v1/me", Some(&jwt)).await.assert_served("ada");
    get(&app, "/v1/me", None)
        .await
        .assert_rejected(401, Some(PLAIN));
    get(&app, "/health", None).await.assert_served("ok");
}
