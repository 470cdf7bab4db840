//! A CORS layer outside, authentication inside: what a browser needs to read, it may read.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, Method, Request, StatusCode, header},
    routing::get,
};
use okta_verifier::{DpopNonces, DpopSettings, Verifier};
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

async fn ask(
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
    let request = request.body(Body::empty()).expect("a valid request");
    let Ok(response) = app.oneshot(request).await;
    let (parts, _) = response.into_parts();
    (parts.status, parts.headers)
}

// conformance 31
#[tokio::test]
async fn a_preflight_passes_without_credentials() {
    let (status, headers) = ask(routes().layer(cors()), Method::OPTIONS, "/orders", None).await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization,dpop"
    );
    assert!(!headers.contains_key("www-authenticate"));
}

/// Without them a script sees a network error, and not why it was refused.
#[tokio::test]
async fn refusals_carry_the_cors_headers() {
    let app = routes().layer(cors());
    let other = okta().token("ada").sign();
    let expired = okta().token("ada").expired().sign();
    let rows = [
        (None, 401, PLAIN),
        (Some(expired.as_str()), 401, crate::support::INVALID),
        (Some(other.as_str()), 403, LACKS_SCOPE),
    ];
    for (jwt, expected, challenge) in rows {
        let (status, headers) = ask(app.clone(), Method::GET, "/orders", jwt).await;
        assert_eq!(
            (status.as_u16(), &headers["www-authenticate"]),
            (expected, &challenge.parse().expect("a value"))
        );
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-expose-headers"], EXPOSED);
        assert_eq!(headers["cache-control"], "no-store");
    }
    let reader = okta().token("ada").scope("orders:read").sign();
    let (status, headers) = ask(app, Method::GET, "/orders", Some(&reader)).await;
    assert_eq!(
        (status.as_u16(), &headers["access-control-allow-origin"]),
        (200, &"*".parse().expect("a value"))
    );
}

/// The nonce of a refusal is of no use to a script that cannot read it.
// conformance 31
#[tokio::test]
async fn a_script_may_read_nonce_and_challenge() {
    let settings = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let verifier = builder.dpop(settings).build().expect("valid settings");
    let app = Router::new()
        .route("/orders", get(async |_: Verified| "orders"))
        .route_layer(VerifyLayer::new(verifier))
        .layer(cors());
    let (status, headers) = ask(app, Method::GET, "/orders", None).await;
    assert_eq!(status, 401);
    assert!(headers.contains_key("dpop-nonce"));
    assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
    assert_eq!(headers["access-control-expose-headers"], EXPOSED);
}

const EXPOSED: &str = "www-authenticate,dpop-nonce";

#[tokio::test]
async fn open_and_unknown_paths_are_as_without_a_layer() {
    for (path, expected) in [("/health", 200), ("/nowhere", 404)] {
        let (status, headers) = ask(routes().layer(cors()), Method::GET, path, None).await;
        assert_eq!(status.as_u16(), expected, "{path}");
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
    }
}

// conformance 31
/// Why the documents name the order: with the CORS layer inside, the browser's own question is refused,
/// and so is the page that asked.
#[tokio::test]
async fn in_the_other_order_the_preflight_is_refused() {
    let app = Router::new()
        .route("/orders", get(async |_: Verified<ReadOrders>| "orders"))
        .layer(cors())
        .layer(strict());
    let (status, headers) = ask(app, Method::OPTIONS, "/orders", None).await;
    assert_eq!(
        (status.as_u16(), &headers["www-authenticate"]),
        (401, &PLAIN.parse().expect("a value"))
    );
    assert!(!headers.contains_key("access-control-allow-origin"));
}
