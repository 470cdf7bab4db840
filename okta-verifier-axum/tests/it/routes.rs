//! `route_layer`: what is covered, what stays open, and what stays 404.

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
    get(&app(), "/health", None).await.served("ok");
    get(&app(), "/health", Some("a.b.c")).await.served("ok");
}

#[tokio::test]
async fn unknown_paths_stay_404() {
    let jwt = okta().token("ada").sign();
    assert_eq!(get(&app(), "/nowhere", None).await.status, 404);
    assert_eq!(get(&app(), "/nowhere", Some(&jwt)).await.status, 404);
}

/// Why the documents say `route_layer`: `layer` wraps the fallback too.
#[tokio::test]
async fn with_layer_unknown_paths_are_refused() {
    let app = Router::new().route("/me", routing::get(me)).layer(strict());
    get(&app, "/nowhere", None).await.refused(401, Some(PLAIN));
}

/// The other order: a nested router keeps its layer to itself.
#[tokio::test]
async fn a_nested_router_is_covered_alone() {
    let protected = Router::new()
        .route("/me", routing::get(me))
        .route_layer(strict());
    let app = Router::new()
        .nest("/v1", protected)
        .route("/health", routing::get(async || "ok"));
    let jwt = okta().token("ada").sign();
    get(&app, "/v1/me", Some(&jwt)).await.served("ada");
    get(&app, "/v1/me", None).await.refused(401, Some(PLAIN));
    get(&app, "/health", None).await.served("ok");
}
