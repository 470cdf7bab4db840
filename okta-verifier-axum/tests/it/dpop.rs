//! DPoP behind nested routers, which see only a part of the URL that the proof is made for.

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    extract::OriginalUri,
    http::{Request, Response},
    routing::{any_service, get},
};
use okta_verifier::{VerifiedToken, Verifier, dpop::DpopSettings};
use okta_verifier_axum::{Rejected, Verified, VerifyLayer};
use okta_verifier_testing::{Client, MockOkta, TokenBuilder};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::okta;

const ORIGIN: &str = "https://api.example.com";

fn verify() -> VerifyLayer {
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let builder = builder.realm("orders").dpop(DpopSettings::base_url(ORIGIN));
    VerifyLayer::new(builder.build().expect("valid settings"))
}

/// The required scope is known only at run time.
async fn order(token: Verified) -> Result<&'static str, Rejected> {
    if token.has_scope("order:17") {
        return Ok("order 17");
    }
    let rejection = token.insufficient_scope("order:17");
    Err(rejection.expect("a scope").into())
}

/// Sends `GET target` with a proof for the URL of `proved`.
async fn request<S>(app: &S, target: &str, proved: &str, token: TokenBuilder) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let client = Client::new();
    let jwt = client.bind(token).sign();
    let proof = client.proof("GET", &format!("{ORIGIN}{proved}"));
    let request = Request::get(target)
        .header("authorization", format!("DPoP {jwt}"))
        .header("dpop", proof.token(&jwt).sign())
        .body(Body::empty())
        .expect("the request is valid");
    let Ok(response) = app.clone().oneshot(request).await;
    response
}

fn token() -> TokenBuilder {
    okta().token("ada").scope("order:17")
}

/// Asserts that `/api/v1/orders` accepts a proof for its own URL, and rejects a proof for a part of it
/// or for another URL.
async fn assert_takes_its_own_proof_only(name: &str, app: Router) {
    for target in ["/api/v1/orders", "/api/v1/orders?page=2"] {
        for other in [
            "/orders",
            "/v1/orders",
            "/api/orders",
            "/api/v1",
            "/api/v1/",
            "/api/v1/orders/",
            "/api/v2/orders",
            "/api/v1/api/v1/orders",
            "/",
        ] {
            let rejected = request(&app, target, other, token()).await;
            assert_eq!(rejected.status(), 401, "{name}: {other}");
        }
        let served = request(&app, target, "/api/v1/orders", token()).await;
        assert_eq!(served.status(), 200, "{name}");
    }
}

/// Returns `/orders` behind the layer.
fn orders(verify: VerifyLayer) -> Router {
    Router::new()
        .route("/orders", get(order))
        .route_layer(verify)
}

/// Returns `/api/v1/orders` in a router within a router.
fn nested_twice(verify: VerifyLayer) -> Router {
    Router::new().nest("/api", Router::new().nest("/v1", orders(verify)))
}

// finding 8
// conformance 161
#[tokio::test]
async fn dpop_proof_of_a_nested_router_is_for_the_whole_url() {
    let nest = Router::new().nest("/api/v1", orders(verify()));
    assert_takes_its_own_proof_only("nest, route_layer", nest).await;

    let layered = Router::new().route("/orders", get(order)).layer(verify());
    let nest = Router::new().nest("/api/v1", layered);
    assert_takes_its_own_proof_only("nest, layer", nest).await;

    let method = Router::new().route("/orders", get(order).layer(verify()));
    let nest = Router::new().nest("/api/v1", method);
    assert_takes_its_own_proof_only("nest, MethodRouter::layer", nest).await;

    let parameter = Router::new().nest("/{version}", orders(verify()));
    let nest = Router::new().nest("/api", parameter);
    assert_takes_its_own_proof_only("nest with a parameter", nest).await;

    assert_takes_its_own_proof_only("nested twice", nested_twice(verify())).await;
}

// finding 8
#[tokio::test]
async fn dpop_proof_of_a_nested_service_is_for_the_whole_url() {
    let router = Router::new().nest_service("/api/v1", orders(verify()));
    assert_takes_its_own_proof_only("nest_service of a router", router).await;

    let inner = Router::new().nest_service("/v1", orders(verify()));
    let twice = Router::new().nest_service("/api", inner);
    assert_takes_its_own_proof_only("nest_service twice", twice).await;

    let service = verify().layer(service_fn(async |request: Request<Body>| {
        let token = request.extensions().get::<VerifiedToken>();
        assert_eq!(token.expect("verified").subject(), "ada");
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let router = Router::new().nest_service("/api/v1", service.clone());
    assert_takes_its_own_proof_only("nest_service of a service", router).await;

    let inner = Router::new().route("/orders", any_service(service));
    let router = Router::new().nest("/api/v1", inner);
    assert_takes_its_own_proof_only("a route's own service", router).await;
}

// finding 8
#[tokio::test]
async fn dpop_proof_of_a_fallback_is_for_the_whole_url() {
    let inner = Router::new().fallback(order).layer(verify());
    let nest = Router::new().nest("/api/v1", inner.clone());
    assert_takes_its_own_proof_only("a nested router's fallback", nest).await;

    let inside = Router::new().fallback_service(orders(verify()));
    let nest = Router::new().nest("/api/v1", inside);
    assert_takes_its_own_proof_only("a nested fallback service", nest).await;

    let outside = Router::new().fallback_service(nested_twice(verify()));
    assert_takes_its_own_proof_only("nested in a fallback service", outside).await;

    let merged = Router::new()
        .route("/health", get(async || "ok"))
        .merge(nested_twice(verify()));
    assert_takes_its_own_proof_only("merged", merged).await;
}

// finding 8
/// A layer around the nested router sees the whole URL itself.
#[tokio::test]
async fn dpop_proof_for_a_layer_around_a_nested_router_is_for_the_whole_url() {
    let v1 = Router::new().route("/orders", get(order));
    let api = Router::new().nest("/v1", v1);
    let inside = Router::new().nest("/api", api.clone().layer(verify()));
    assert_takes_its_own_proof_only("between two nestings", inside).await;

    let around = Router::new().nest("/api", api).layer(verify());
    assert_takes_its_own_proof_only("around both", around.clone()).await;

    let service = verify().layer(Router::new().nest("/api", orders_below_v1()));
    let outside = Router::new().fallback_service(service);
    assert_takes_its_own_proof_only("around the router", outside).await;
}

fn orders_below_v1() -> Router {
    let v1 = Router::new().route("/orders", get(order));
    Router::new().nest("/v1", v1)
}

// finding 8
/// Two routes have the same inner path: a proof for one is rejected by the other.
#[tokio::test]
async fn dpop_proof_for_another_route_of_the_same_inner_path_is_rejected() {
    let verify = verify();
    let app = orders(verify.clone()).nest("/admin", orders(verify));
    for (target, other) in [("/admin/orders", "/orders"), ("/orders", "/admin/orders")] {
        let rejected = request(&app, target, other, token()).await;
        assert_eq!(rejected.status(), 401, "{target}");
        let served = request(&app, target, target, token()).await;
        assert_eq!(served.status(), 200, "{target}");
    }
}

// finding 8
/// axum keeps an existing `OriginalUri`, so a service that rewrites the path can provide the whole URI.
#[tokio::test]
async fn dpop_proof_behind_a_rewritten_path_is_for_the_uri_that_was_kept() {
    let inner = nested_twice(verify());
    let rewriting =
        ServiceExt::<Request<Body>>::map_request(inner, |mut request: Request<Body>| {
            let whole = request.uri().clone();
            let path = whole.path().strip_prefix("/gateway").expect("the prefix");
            *request.uri_mut() = path.parse().expect("a path");
            request.extensions_mut().insert(OriginalUri(whole));
            request
        });
    for (proved, status) in [("/api/v1/orders", 401), ("/gateway/api/v1/orders", 200)] {
        let response = request(&rewriting, "/gateway/api/v1/orders", proved, token()).await;
        assert_eq!(response.status(), status, "{proved}");
    }
}

// finding 8
/// A request that waits for the issuer's keys is verified with its whole URL too.
#[tokio::test]
async fn dpop_proof_of_a_nested_router_is_for_the_whole_url_before_the_keys_are_known() {
    for (proved, status) in [("/orders", 401), ("/api/v1/orders", 200)] {
        let okta = MockOkta::start().await;
        let issuer = okta.issuer("api://default").any_client_id();
        let builder = Verifier::builder().issuer(issuer);
        let verifier = builder.dpop(DpopSettings::base_url(ORIGIN)).build();
        let app = nested_twice(VerifyLayer::new(verifier.expect("valid settings")));
        let token = okta.token("ada").scope("order:17");
        let response = request(&app, "/api/v1/orders", proved, token).await;
        assert_eq!(response.status(), status, "{proved}");
        assert_eq!(okta.hits().keys, 1);
    }
}

// conformance 175
#[tokio::test]
async fn handler_rejection_uses_the_dpop_challenge_and_the_realm() {
    let app = nested_twice(verify());
    let token = okta().token("ada").scope("order:18");
    let rejected = request(&app, "/api/v1/orders", "/api/v1/orders", token).await;
    assert_eq!(rejected.status(), 403);
    let challenges: Vec<_> = rejected
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
