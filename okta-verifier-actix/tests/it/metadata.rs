//! The metadata of protected resources through an app, in this process and over a socket.

use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    http::Method,
    test::{self, TestRequest},
    web,
};
use okta_verifier::{Resource, Verifier};
use okta_verifier_actix::{Verified, VerifyMiddleware, metadata};
use okta_verifier_testing::TestIssuer;

use crate::support::server::Server;

const FILES: &str = "https://mcp.example.com/files";
const PATH: &str = "/.well-known/oauth-protected-resource/files";
const ROOT: &str = "/.well-known/oauth-protected-resource";
/// Paths that the router takes for that of the metadata, or may take for it.
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

fn routes(verifier: Verifier) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let verify = VerifyMiddleware::new(verifier.clone());
    move |app| {
        app.service(
            web::resource("/files")
                .wrap(verify.clone())
                .to(async |_: Verified| "files"),
        )
        .service(web::scope("/mcp").service(metadata(&verifier)))
        .service(metadata(&verifier));
    }
}

async fn read(response: HttpResponse) -> (u16, Vec<String>, String) {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body())
        .await
        .expect("the body is complete");
    (
        status,
        headers,
        String::from_utf8(body.to_vec()).expect("UTF-8"),
    )
}

// conformance 195, 201
#[tokio::test]
async fn metadata_is_served_at_its_exact_path_only() {
    let app = test::init_service(App::new().configure(routes(verifier()))).await;
    for path in OTHER_PATHS {
        let request = TestRequest::get().uri(path).to_request();
        assert_eq!(
            test::call_service(&app, request).await.status(),
            404,
            "{path}"
        );
    }
    for path in [PATH, ROOT] {
        let request = TestRequest::get().uri(path).to_request();
        assert_eq!(
            test::call_service(&app, request).await.status(),
            200,
            "{path}"
        );
    }
}

// conformance 202
#[tokio::test]
async fn metadata_has_the_bytes_of_the_core_for_each_method() {
    let verifier = verifier();
    let app = test::init_service(App::new().configure(routes(verifier.clone()))).await;
    for method in [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE",
    ] {
        let names = "mcp-protocol-version";
        let expected = verifier.resource_metadata(method, PATH, Some(names.as_bytes()));
        let expected = expected.expect("its path");
        let headers = expected.headers().iter();
        let mut headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        headers.sort();
        let expected = (expected.status().as_u16(), headers, expected.into_body());
        let request = TestRequest::with_uri(PATH)
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .insert_header(("access-control-request-headers", names));
        let response = test::call_service(&app, request.to_request()).await;
        let response = response.into_parts().1.map_into_boxed_body();
        assert_eq!(read(response).await, expected, "{method}");
    }
}

// conformance 195, 202
#[tokio::test]
async fn metadata_is_served_over_a_socket() {
    let verifier = verifier();
    let server = Server::start(1, routes(verifier.clone()));
    for path in OTHER_PATHS {
        assert_eq!(server.get(path, &[]).await.status, 404, "{path}");
    }
    let document = verifier
        .resource_metadata("GET", PATH, None)
        .expect("its path");
    let served = server.get(PATH, &[]).await;
    assert_eq!((served.status, &served.body), (200, document.body()));
    let head = server.call("HEAD", PATH, &[], b"").await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.headers, served.headers);
}
