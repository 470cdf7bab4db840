//! `assert_protected_resource` against an app behind the middleware, over a socket.

use actix_web::web;
use okta_verifier::{Algorithm, Policy, Requirement, Resource, Verifier, dpop::DpopSettings};
use okta_verifier_actix::{Verified, VerifyMiddleware, metadata};
use okta_verifier_testing::{ProtectedResource, TestIssuer, assert_protected_resource};

use crate::support::server::Server;

const FILES: &str = "https://mcp.example.com/files";

struct Write;

impl Requirement for Write {
    const POLICY: Policy =
        Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
}

// conformance 263
#[tokio::test]
async fn assert_protected_resource_accepts_an_app_with_dpop() {
    secret_scan::public(FILES);
    let okta = TestIssuer::new(FILES).algorithms([Algorithm::ES256]);
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .resource(Resource::new(FILES).scopes(["files:read", "files:write"]))
        .dpop(DpopSettings::base_url("https://mcp.example.com"))
        .build()
        .expect("valid settings");
    let verify = VerifyMiddleware::new(verifier.clone()).require(Policy::scope("files:read"));
    let server = Server::start(1, move |app| {
        let files = web::resource("/files").wrap(verify.clone());
        app.service(
            files
                .route(web::put().to(async |_: Verified<Write>| "written"))
                .default_service(web::to(async |_: Verified| "read")),
        )
        .service(metadata(&verifier));
    });
    let resource = ProtectedResource::new(FILES)
        .test_issuer(&okta)
        .scopes(["files:read"])
        .operation("PUT", "/files", ["files:write"])
        .dpop();
    let base_url = format!("http://{}", server.address);
    let report = assert_protected_resource(&base_url, resource).await;
    assert!(report.passed() > 50, "{report}");
}
