//! The metadata of protected resources through routers, in this process and over a socket.

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
    routing::get,
};
use http_body_util::BodyExt;
use okta_verifier::{Resource, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer, metadata};
use okta_verifier_testing::{TestIssuer, conformance};
use tower::ServiceExt;

use crate::conformance::serve;

const FILES: &str = "https://mcp.example.com/files";
const PATH: &str = "/.well-known/oauth-protected-resource/files";
const ROOT: &str = "/.well-known/oauth-protected-resource";
/// Paths that a router may take for that of the metadata.
const OTHER_PATHS: [&str; 9] = [
    "/.well-known/oauth-protected-resource/files/",
    "/.well-known/oauth-protected-resource//files",
    "/.well-known//oauth-protected-resource/files",
    "/.well-known/oauth-protected-resource/%66iles",
    "/.well-known/oauth-protected-resource%2Ffiles",
    "/.well-known/oauth-protected-resource/Files",
    "/.well-known/oauth-protected-resource/files/more",
    "/mcp/.well-known/oauth-protected-resource/files",
    "/.well-known/oauth-protected-resource/",
];

fn verifier() -> Verifier {
    let issuer = TestIssuer::new(FILES).issuer().any_client_id();
    let resource = Resource::new(FILES).at_root_too();
    let builder = Verifier::builder().issuer(issuer).resource(resource);
    builder.build().expect("valid settings")
}

fn app(verifier: &Verifier) -> Router {
    Router::new()
        .route("/files", get(async |_: Verified| "files"))
        .route_layer(VerifyLayer::new(verifier.clone()))
        .merge(metadata(verifier))
}

async fn send(app: &Router, method: &str, path: &str) -> (u16, Vec<String>, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("access-control-request-headers", "mcp-protocol-version");
    let request = request.body(Body::empty()).expect("the request is valid");
    let Ok(response) = app.clone().oneshot(request).await;
    read(response).await
}

async fn read(response: Response<Body>) -> (u16, Vec<String>, String) {
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
    let mut headers: Vec<_> = headers
        .filter(|it| !it.starts_with("content-length"))
        .collect();
    headers.sort();
    let body = body
        .collect()
        .await
        .expect("the body is complete")
        .to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    (parts.status.as_u16(), headers, body)
}

// conformance 195, 201
#[tokio::test]
async fn metadata_is_served_at_its_exact_path_only() {
    let verifier = verifier();
    let nested = Router::new().nest("/mcp", metadata(&verifier));
    for path in OTHER_PATHS {
        assert_eq!(send(&app(&verifier), "GET", path).await.0, 404, "{path}");
        assert_eq!(send(&nested, "GET", path).await.0, 404, "{path}");
    }
    for path in [PATH, ROOT] {
        assert_eq!(send(&app(&verifier), "GET", path).await.0, 200, "{path}");
    }
}

// conformance 202
#[tokio::test]
async fn metadata_has_the_bytes_of_the_core_for_each_method() {
    let verifier = verifier();
    for method in [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE",
    ] {
        let names = Some(&b"mcp-protocol-version"[..]);
        let expected = verifier
            .resource_metadata(method, PATH, names)
            .expect("its path");
        let mut expected = read(expected.map(Body::from)).await;
        if method == "HEAD" {
            expected.2.clear();
        }
        assert_eq!(
            send(&app(&verifier), method, PATH).await,
            expected,
            "{method}"
        );
    }
}

// conformance 195, 202
#[tokio::test]
async fn metadata_is_served_over_a_socket() {
    let verifier = verifier();
    let address = serve(app(&verifier)).await;
    let exchange = async |method: &str, path: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        conformance::exchange(address, request.as_bytes())
            .await
            .expect("a response")
    };
    for path in OTHER_PATHS {
        assert_eq!(exchange("GET", path).await.status(), 404, "{path}");
    }
    let expected = verifier
        .resource_metadata("GET", PATH, None)
        .expect("its path");
    assert_eq!(exchange("GET", PATH).await.status(), 200);
    let head = exchange("HEAD", PATH).await;
    assert_eq!(head.status(), 200);
    let length = expected.body().len().to_string();
    assert_eq!(head.field("content-length").next(), Some(length.as_bytes()));
}

#[tokio::test]
async fn metadata_without_a_resource_is_an_empty_router() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = verifier.build().expect("valid settings");
    let empty: Router = metadata(&verifier);
    assert_eq!(send(&empty, "GET", PATH).await.0, 404);
    assert_eq!(send(&empty, "GET", ROOT).await.0, 404);
}

/// A router with a state can be merged too.
#[tokio::test]
async fn metadata_is_merged_into_a_router_with_a_state() {
    let app: Router = Router::<u8>::new()
        .merge(metadata(&verifier()))
        .with_state(7);
    assert_eq!(send(&app, "GET", PATH).await.0, 200);
}
