//! The outcome of each request, with the matched path of the route.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::MatchedPath, routing};
use okta_verifier::{Policy, Verifier, adapter::Outcome};
use okta_verifier_axum::{RequireLayer, Verified, VerifyLayer};

use crate::support::{ReadOrders, get, okta};

type Lines = Arc<Mutex<Vec<String>>>;

fn verifier() -> Verifier {
    let issuer = okta().issuer().any_client_id();
    let builder = Verifier::builder().issuer(issuer);
    builder.build().expect("valid settings")
}

/// Returns a layer whose hook writes the route and the outcome.
fn logged(verifier: &Verifier) -> (Lines, VerifyLayer) {
    let lines = Lines::default();
    let log = lines.clone();
    let layer = VerifyLayer::new(verifier.clone()).optional();
    let layer = layer.on_outcome(move |outcome, extensions| {
        let route = extensions
            .get::<MatchedPath>()
            .map_or("-", MatchedPath::as_str);
        let code = match outcome {
            Outcome::Rejected(rejection) => rejection.code(),
            _ => "-",
        };
        let line = format!("{route} {} {code}", outcome.name());
        log.lock().expect("no panic").push(line);
    });
    (lines, layer)
}

fn orders() -> Router {
    Router::new().route(
        "/orders/{id}",
        routing::get(async |_: Verified<ReadOrders>| "an order"),
    )
}

async fn send_three(app: &Router, path: &str) {
    let reader = okta().token("ada").scope("orders:read").sign();
    let other = okta().token("bob").sign();
    for (jwt, status) in [(Some(&reader), 200), (Some(&other), 403), (None, 401)] {
        assert_eq!(get(app, path, jwt.map(String::as_str)).await.status, status);
    }
}

#[tokio::test]
async fn outcome_has_the_matched_path_and_the_rejection_of_an_extractor() {
    let verifier = verifier();
    let (lines, layer) = logged(&verifier);
    let nested = |layer: VerifyLayer| Router::new().nest("/v1", orders().route_layer(layer));
    for (app, path, route) in [
        (
            orders().route_layer(layer.clone()),
            "/orders/7",
            "/orders/{id}",
        ),
        (orders().layer(layer.clone()), "/orders/7", "/orders/{id}"),
        (nested(layer.clone()), "/v1/orders/7", "/v1/orders/{id}"),
    ] {
        send_three(&app, path).await;
        let lines: Vec<_> = lines.lock().expect("no panic").drain(..).collect();
        let expected = [
            "accepted -",
            "rejected insufficient_scope",
            "rejected no_credentials",
        ];
        assert_eq!(lines, expected.map(|outcome| format!("{route} {outcome}")));
    }
    let stats = verifier.stats();
    assert_eq!(stats.issuers[0].accepted, 3);
    assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 3)]);
    assert_eq!(stats.rejected, [("no_credentials", 3)]);
    assert_eq!((stats.anonymous, stats.dropped), (0, 0));
}

#[tokio::test]
async fn outcome_of_a_fallback_has_no_matched_path() {
    let (lines, layer) = logged(&verifier());
    let app = orders().fallback(async || "nothing here").layer(layer);
    assert_eq!(get(&app, "/other", None).await.status, 200);
    assert_eq!(*lines.lock().expect("no panic"), ["- anonymous -"]);
}

#[tokio::test]
async fn outcome_is_that_of_a_require_layer() {
    let verifier = verifier();
    let (lines, layer) = logged(&verifier);
    let app = Router::new()
        .route("/", routing::get(async || "in"))
        .route_layer(RequireLayer::new(Policy::scope("orders:read")))
        .route_layer(layer);
    send_three(&app, "/").await;
    assert_eq!(
        *lines.lock().expect("no panic"),
        [
            "/ accepted -",
            "/ rejected insufficient_scope",
            "/ rejected no_credentials"
        ]
    );
    assert_eq!(
        (verifier.stats().accepted(), verifier.stats().rejected()),
        (1, 2)
    );
}

/// The counters need no hook. An error response of the handler counts as accepted, unless it is a rejection.
#[tokio::test]
async fn outcome_is_counted_without_a_hook() {
    let verifier = verifier();
    let app = Router::new()
        .route("/", routing::get(async || http::StatusCode::FORBIDDEN))
        .route_layer(VerifyLayer::new(verifier.clone()));
    let jwt = okta().token("ada").sign();
    assert_eq!(get(&app, "/", Some(&jwt)).await.status, 403);
    assert_eq!(
        (verifier.stats().accepted(), verifier.stats().rejected()),
        (1, 0)
    );
}
