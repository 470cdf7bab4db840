//! actix-cors outside the middleware: preflights pass, and a page can read every rejection.

use std::time::Duration;

use actix_cors::Cors;
use actix_web::{dev::HttpServiceFactory, http::Method, test::TestRequest, web};
use okta_verifier::Policy;
use okta_verifier_actix::{RequireMiddleware, Verified, VerifyMiddleware};

use crate::support::{
    Admin, Answer, app, bearer, get, mock_issuer::HangingIssuer, okta, send, strict, whoami,
};

const PAGE: &str = "https://app.example";

fn routes(verify: VerifyMiddleware) -> impl HttpServiceFactory + 'static {
    let cors = Cors::default()
        .allowed_origin(PAGE)
        .allowed_methods(["GET"])
        .allowed_header("authorization")
        .expose_headers(["www-authenticate"]);
    let orders = web::resource("/orders")
        .wrap(RequireMiddleware::new(Policy::scope("orders:read")))
        .get(whoami);
    web::scope("")
        .wrap(verify)
        .wrap(cors)
        .route("/me", web::get().to(whoami))
        .route("/admin", web::get().to(admin))
        .service(orders)
}

async fn admin(_: Verified<Admin>) -> &'static str {
    "in"
}

fn from_page(request: TestRequest) -> TestRequest {
    request.insert_header(("origin", PAGE))
}

#[track_caller]
fn assert_readable(name: &str, response: &Answer) {
    let line = |line: &str| response.headers.iter().any(|header| header == line);
    assert!(
        line(&format!("access-control-allow-origin: {PAGE}")),
        "{name}: {response:?}"
    );
    assert!(
        line("access-control-expose-headers: www-authenticate"),
        "{name}: {response:?}"
    );
}

#[tokio::test]
async fn preflight_passes_without_credentials() {
    let app = app(routes(strict())).await;
    let preflight = from_page(get("/orders", &[]))
        .method(Method::OPTIONS)
        .insert_header(("access-control-request-method", "GET"))
        .insert_header(("access-control-request-headers", "authorization"));
    let response = send(&app, preflight).await;
    assert_eq!((response.status, response.reason), (200, None));
    for line in [
        format!("access-control-allow-origin: {PAGE}"),
        "access-control-allow-methods: GET".to_owned(),
        "access-control-allow-headers: authorization".to_owned(),
    ] {
        assert!(response.headers.contains(&line), "{response:?}");
    }
}

/// Both middlewares and an extractor.
#[tokio::test]
async fn rejections_have_cors_headers() {
    let app = app(routes(strict())).await;
    let jwt = okta().token("ada").sign();
    let rows = [
        ("no token", 401, get("/me", &[])),
        ("malformed", 400, get("/me", &[b"Bearer "])),
        ("invalid token", 401, bearer("/me", "a.b.c")),
        ("RequireMiddleware", 403, bearer("/orders", &jwt)),
        ("Verified<Admin>", 403, bearer("/admin", &jwt)),
    ];
    for (name, status, request) in rows {
        let response = send(&app, from_page(request)).await;
        assert_eq!(response.status, status, "{name}");
        assert_readable(name, &response);
    }
    let served = send(&app, from_page(bearer("/me", &jwt))).await;
    served.assert_served("a valid token", "ada");
    assert_readable("a valid token", &served);
}

/// The rejection of the slow path is a response too.
#[tokio::test]
async fn unavailable_issuer_response_has_cors_headers() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(routes(verify)).await;
    let response = send(&app, from_page(bearer("/me", &issuer.token()))).await;
    assert_eq!(response.status, 503);
    assert_readable("503", &response);
}
