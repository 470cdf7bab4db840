//! Handlers that reject requests themselves.

use axum::{Router, extract::Path, routing};
use okta_verifier::{Policy, Rejection};
use okta_verifier_axum::{Rejected, RequireLayer, Verified};

use crate::support::{LACKS_SCOPE, get, okta, strict};

async fn order(token: Verified, Path(owner): Path<String>) -> Result<String, Rejected> {
    if owner != token.subject() {
        token.require(Policy::scope("orders:read"))?;
    }
    Ok(format!("an order of {owner}"))
}

#[tokio::test]
async fn handler_returns_a_rejection_with_the_question_mark() {
    let app = Router::new()
        .route("/orders/{owner}", routing::get(order))
        .route_layer(strict());
    let own = okta().token("ada").sign();
    get(&app, "/orders/ada", Some(&own))
        .await
        .assert_served("an order of ada");
    get(&app, "/orders/bob", Some(&own))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/orders/bob", Some(&reader))
        .await
        .assert_served("an order of bob");
}

#[tokio::test]
async fn rejected_is_an_error_with_its_reason() {
    let rejected = Rejected::from(Rejection::insufficient_scope("orders:read").expect("a scope"));
    assert_eq!(rejected.rejection().status(), 403);
    assert_eq!(
        rejected.to_string(),
        rejected.clone().into_rejection().to_string()
    );
}

/// The re-exported tower layer enforces a policy for a whole router.
#[tokio::test]
async fn require_layer_applies_to_all_routes() {
    let app = Router::new()
        .route("/", routing::get(async || "in"))
        .route_layer(RequireLayer::new(Policy::scope("orders:read")))
        .route_layer(strict());
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/", Some(&reader)).await.assert_served("in");
    let other = okta().token("ada").sign();
    get(&app, "/", Some(&other))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
}
