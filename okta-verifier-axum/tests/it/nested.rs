//! A DPoP proof is for the whole URL, and a nested router sees a part of it.

use axum::{
    Router,
    body::Body,
    extract::OriginalUri,
    http::{Request, Response},
    routing::get,
};
use okta_verifier::{DpopSettings, Verifier};
use okta_verifier_axum::{Rejected, Verified, VerifyLayer};
use okta_verifier_testing::Client;
use tower::ServiceExt;

use crate::support::okta;

fn verify() -> VerifyLayer {
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let settings = DpopSettings::base_url("https://api.example.com");
    let builder = builder.realm("orders").dpop(settings);
    VerifyLayer::new(builder.build().expect("valid settings"))
}

fn nested(verify: VerifyLayer) -> Router {
    let orders = Router::new()
        .route("/orders", get(order))
        .route_layer(verify);
    let v1 = Router::new().nest("/v1", orders);
    Router::new().nest("/api", v1)
}

/// The scope is known at run time only.
async fn order(token: Verified) -> Result<&'static str, Rejected> {
    if token.has_scope("order:17") {
        return Ok("order 17");
    }
    let refusal = token.insufficient_scope("order:17");
    Err(refusal.expect("a scope").into())
}

/// `GET /api/v1/orders` with a good proof for `proved`.
async fn ask(app: &Router, proved: &str, scope: &str) -> Response<Body> {
    let client = Client::new();
    let jwt = client.bind(okta().token("ada").scope(scope)).sign();
    let url = format!("https://api.example.com{proved}");
    let proof = client.proof("GET", &url).token(&jwt).sign();
    let request = Request::get("/api/v1/orders?page=2")
        .header("authorization", format!("DPoP {jwt}"))
        .header("dpop", proof)
        .body(Body::empty())
        .expect("a valid request");
    let Ok(response) = app.clone().oneshot(request).await;
    response
}

// conformance 161
#[tokio::test]
async fn a_proof_is_for_the_whole_url_of_a_nested_router() {
    let told = verify().original_uri(|of| of.get::<OriginalUri>().map(|uri| &uri.0));
    let app = nested(told);
    for part in ["/orders", "/v1/orders", "/api/orders", "/api/v1/orders/"] {
        let refused = ask(&app, part, "order:17").await;
        assert_eq!(refused.status(), 401, "{part}");
    }
    let good = ask(&app, "/api/v1/orders", "order:17").await;
    assert_eq!(good.status(), 200);
}

/// Why the documents say so: closed, and not open.
#[tokio::test]
async fn a_layer_that_was_not_told_refuses_the_whole_url() {
    let refused = ask(&nested(verify()), "/api/v1/orders", "order:17").await;
    assert_eq!(refused.status(), 401);
}

// conformance 175
#[tokio::test]
async fn a_handlers_own_refusal_is_told_under_dpop_and_the_verifiers_realm() {
    let told = verify().original_uri(|of| of.get::<OriginalUri>().map(|uri| &uri.0));
    let refused = ask(&nested(told), "/api/v1/orders", "order:18").await;
    assert_eq!(refused.status(), 403);
    let challenges: Vec<_> = refused
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges.len(), 1);
    let challenge = challenges[0].to_str().expect("text");
    assert!(challenge.starts_with(r#"DPoP realm="orders", error="insufficient_scope""#));
    assert!(
        challenge.contains(r#"scope="order:17", algs=""#),
        "{challenge}"
    );
}
