//! A CORS layer outside, authentication inside: a browser can read what it needs.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, Method, Request, StatusCode, header},
    routing::get,
};
use okta_verifier::{
    Verifier,
    dpop::{DpopNonces, DpopSettings},
};
use okta_verifier_axum::{Verified, VerifyLayer};
use tower::ServiceExt;
use tower_http::cors::{Any, CorsLayer};

use crate::support::{LACKS_SCOPE, PLAIN, ReadOrders, okta, strict};

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_headers([header::AUTHORIZATION, HeaderName::from_static("dpop")])
        .expose_headers([
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("dpop-nonce"),
        ])
}

fn routes() -> Router {
    Router::new()
        .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
        .route_layer(strict())
        .route("/health", get(async || "ok"))
}

async fn call(
    app: Router,
    method: Method,
    path: &str,
    jwt: Option<&str>,
) -> (StatusCode, HeaderMap) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,dpop");
    if let Some(jwt) = jwt {
        request = request.header("authorization", format!("Bearer {jwt}"));
    }
    let request = request.body(Body::empty()).expect("the request is valid");
    let Ok(response) = app.oneshot(request).await;
    let (parts, _) = response.into_parts();
    (parts.status, parts.headers)
}

// conformance 31
#[tokio::test]
async fn preflight_passes_without_credentials() {
    let (status, headers) = call(routes().layer(cors()), Method::OPTIONS, "/orders", None).await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization,dpop"
    );
    assert!(!headers.contains_key("www-authenticate"));
}

/// Without these headers a script sees a network error instead of the rejection.
#[tokio::test]
async fn rejections_have_cors_headers() {
    let app = routes().layer(cors());
    let other = okta().token("ada").sign();
    let expired = okta().token("ada").expired().sign();
    let rows = [
        (None, 401, PLAIN),
        (Some(expired.as_str()), 401, crate::support::INVALID),
        (Some(other.as_str()), 403, LACKS_SCOPE),
    ];
    for (jwt, expected, challenge) in rows {
        let (status, headers) = call(app.clone(), Method::GET, "/orders", jwt).await;
        assert_eq!(
            (status.as_u16(), &headers["www-authenticate"]),
            (expected, &challenge.parse().expect("a value"))
        );
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-expose-headers"], EXPOSED);
        assert_eq!(headers["cache-control"], "no-store");
    }
    let reader = okta().token("ada").scope("orders:read").sign();
    let (status, headers) = call(app, Method::GET, "/orders", Some(&reader)).await;
    assert_eq!(
        (status.as_u16(), &headers["access-control-allow-origin"]),
        (200, &"*".parse().expect("a value"))
    );
}

/// A script must be able to read the nonce of a rejection.
// conformance 31
#[tokio::test]
async fn nonce_and_challenge_are_exposed_to_scripts() {
    let settings = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let verifier = builder.dpop(settings).build().expect("valid settings");
    let app = Router::new()
        .route("/orders", get(async |_: Verified| "orders"))
        .route_layer(VerifyLayer::new(verifier))
        .layer(cors());
    let (status, headers) = call(app, Method::GET, "/orders", None).await;
    assert_eq!(status, 401);
    assert!(headers.contains_key("dpop-nonce"));
    assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
    assert_eq!(headers["access-control-expose-headers"], EXPOSED);
}

const EXPOSED: &str = "www-authenticate,dpop-nonce";

#[tokio::test]
async fn open_and_unknown_paths_are_unaffected_by_the_layer() {
    for (path, expected) in [("/health", 200), ("/nowhere", 404)] {
        let (status, headers) = call(routes().layer(cors()), Method::GET, path, None).await;
        assert_eq!(status.as_u16(), expected, "{path}");
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
    }
}

// conformance 31
/// Why the documentation states the order: with the CORS layer inside, the preflight is rejected, and
/// with it the page's request.
#[tokio::test]
async fn preflight_is_rejected_if_cors_is_inside() {
    let app = Router::new()
        .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
        .layer(cors())
        .layer(strict());
    let (status, headers) = call(app, Method::OPTIONS, "/orders", None).await;
    assert_eq!(
        (status.as_u16(), &headers["www-authenticate"]),
        (401, &PLAIN.parse().expect("a value"))
    );
    assert!(!headers.contains_key("access-control-allow-origin"));
}
