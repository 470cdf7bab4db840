//! actix-cors outside, as the documents say: preflights pass, and a page may read every refusal.

use std::time::Duration;

use actix_cors::Cors;
use actix_web::{dev::HttpServiceFactory, http::Method, test::TestRequest, web};
use okta_verifier::Policy;
use okta_verifier_actix::{RequireMiddleware, Verified, VerifyMiddleware};

use crate::{
    cold::HangingIssuer,
    support::{Admin, Answer, app, bearer, get, okta, send, strict, who},
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
        .get(who);
    web::scope("")
        .wrap(verify)
        .wrap(cors)
        .route("/me", web::get().to(who))
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
fn assert_readable(name: &str, answer: &Answer) {
    let line = |line: &str| answer.headers.iter().any(|header| header == line);
    assert!(
        line(&format!("access-control-allow-origin: {PAGE}")),
        "{name}: {answer:?}"
    );
    assert!(
        line("access-control-expose-headers: www-authenticate"),
        "{name}: {answer:?}"
    );
}

#[tokio::test]
async fn a_preflight_passes_without_credentials() {
    let app = app(routes(strict())).await;
    let preflight = from_page(get("/orders", &[]))
        .method(Method::OPTIONS)
        .insert_header(("access-control-request-method", "GET"))
        .insert_header(("access-control-request-headers", "authorization"));
    let answer = send(&app, preflight).await;
    assert_eq!((answer.status, answer.reason), (200, None));
    for line in [
        format!("access-control-allow-origin: {PAGE}"),
        "access-control-allow-methods: GET".to_owned(),
        "access-control-allow-headers: authorization".to_owned(),
    ] {
        assert!(answer.headers.contains(&line), "{answer:?}");
    }
}

/// The two of the middleware, and the one of an extractor.
#[tokio::test]
async fn refusals_carry_the_cors_headers() {
    let app = app(routes(strict())).await;
    let jwt = okta().token("ada").sign();
    let rows = [
        ("no token", 401, get("/me", &[])),
        ("malformed", 400, get("/me", &[b"Bearer "])),
        ("bad token", 401, bearer("/me", "a.b.c")),
        ("RequireMiddleware", 403, bearer("/orders", &jwt)),
        ("Verified<Admin>", 403, bearer("/admin", &jwt)),
    ];
    for (name, status, request) in rows {
        let answer = send(&app, from_page(request)).await;
        assert_eq!(answer.status, status, "{name}");
        assert_readable(name, &answer);
    }
    let served = send(&app, from_page(bearer("/me", &jwt))).await;
    served.served("a good token", "ada");
    assert_readable("a good token", &served);
}

/// The slow path's refusal is a response too.
#[tokio::test]
async fn an_issuer_that_is_down_is_readable() {
    let issuer = HangingIssuer::start().await;
    let verify = VerifyMiddleware::new(issuer.verifier(Duration::from_millis(100)));
    let app = app(routes(verify)).await;
    let answer = send(&app, from_page(bearer("/me", &issuer.token()))).await;
    assert_eq!(answer.status, 503);
    assert_readable("503", &answer);
}
