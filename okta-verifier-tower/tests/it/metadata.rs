//! `MetadataLayer`: its exact paths, its responses, and the services that it passes requests on to.

use std::convert::Infallible;

use http::{Request, Response};
use okta_verifier::{Resource, Verifier};
use okta_verifier_testing::TestIssuer;
use okta_verifier_tower::{MetadataLayer, VerifyLayer};
use tonic::{body::Body, codegen::Body as _};
use tower::{Layer, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

use crate::support::whoami;

const FILES: &str = "https://mcp.example.com/files";
const PATH: &str = "/.well-known/oauth-protected-resource/files";

fn verifier() -> Verifier {
    let issuer = TestIssuer::new(FILES).issuer().any_client_id();
    let builder = Verifier::builder()
        .issuer(issuer)
        .resource(Resource::new(FILES));
    builder.build().expect("valid settings")
}

fn request(method: &str, path: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(path);
    request.body(()).expect("the request is valid")
}

// conformance 195, 201
#[tokio::test]
async fn metadata_layer_passes_every_other_path_on() {
    let verifier = verifier();
    let service = ServiceBuilder::new()
        .layer(MetadataLayer::new(&verifier))
        .layer(VerifyLayer::new(verifier))
        .service_fn(whoami);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/files/",
        "/.well-known/oauth-protected-resource//files",
        "/.well-known/oauth-protected-resource/%66iles",
        "/.well-known/oauth-protected-resource%2Ffiles",
        "/mcp/.well-known/oauth-protected-resource/files",
        "/files",
    ] {
        let Ok(response) = service.clone().oneshot(request("GET", path)).await;
        assert_eq!(response.status(), 401, "{path}");
    }
    let Ok(response) = service.oneshot(request("GET", PATH)).await;
    assert_eq!(response.status(), 200);
}

// conformance 202
#[tokio::test]
async fn metadata_layer_has_the_bytes_of_the_core_for_each_method() {
    let verifier = verifier();
    let service = MetadataLayer::new(&verifier).layer(service_fn(whoami::<()>));
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE"] {
        let expected = verifier.resource_metadata(method, PATH, Some(b"mcp-protocol-version"));
        let mut expected = expected.expect("its path");
        if method == "HEAD" {
            let length = expected.body().len().into();
            expected.headers_mut().insert("content-length", length);
            expected.body_mut().clear();
        }
        let mut request = request(method, PATH);
        let names = "mcp-protocol-version".parse().expect("a header value");
        request
            .headers_mut()
            .insert("access-control-request-headers", names);
        let Ok(response) = service.clone().oneshot(request).await;
        assert_eq!(response.status(), expected.status(), "{method}");
        assert_eq!(response.headers(), expected.headers(), "{method}");
        assert_eq!(response.body(), expected.body(), "{method}");
    }
}

#[tokio::test]
async fn metadata_layer_serves_the_body_type_of_tonic() {
    let verifier = verifier();
    let inner =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let service = MetadataLayer::with_body(&verifier, Body::new::<String>).layer(inner);
    let Ok(response) = service.oneshot(request("GET", PATH)).await;
    let document = verifier
        .resource_metadata("GET", PATH, None)
        .expect("its path");
    let length = response.body().size_hint().exact();
    assert_eq!(length, Some(document.body().len() as u64));
}

#[tokio::test]
async fn metadata_layer_holds_no_permit_of_an_inner_limit() {
    let verifier = verifier();
    let mut service = ServiceBuilder::new()
        .layer(MetadataLayer::new(&verifier))
        .layer(ConcurrencyLimitLayer::new(1))
        .service_fn(whoami::<()>);
    for path in [PATH, "/files", PATH, "/files"] {
        let ready = service.ready().await.expect("the service is ready");
        let Ok(response) = tower::Service::call(ready, request("GET", path)).await;
        assert_eq!(response.status(), 200, "{path}");
    }
}
