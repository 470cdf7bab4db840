//! `VerifyMiddleware::optional`, and the handling of an earlier middleware's result.

use actix_web::{HttpMessage, dev::Service, test::TestRequest, web};
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::TestIssuer;

use crate::support::{
    AUDIENCE, Answer, INVALID, MALFORMED, PLAIN, app, bearer, get,
    mock_issuer::{cold, mock},
    okta, send, strict, verifier, whoami,
};

async fn call_optional(request: TestRequest) -> Answer {
    let news = web::resource("/news").wrap(strict().optional()).get(whoami);
    send(&app(news).await, request).await
}

#[tokio::test]
async fn optional_accepts_only_a_missing_field() {
    let without = call_optional(get("/news", &[])).await;
    without.assert_served("no field", "anonymous");
    let valid = call_optional(bearer("/news", &okta().token("ada").sign())).await;
    valid.assert_served("valid token", "ada");

    let invalid = call_optional(bearer("/news", "a.b.c")).await;
    invalid.assert_rejected("invalid token", 401, Some(INVALID));
    let rows: &[(&str, u16, &str, &[&[u8]])] = &[
        ("another scheme", 401, PLAIN, &[b"Basic YWRhOmFkYQ=="]),
        ("empty token", 400, MALFORMED, &[b"Bearer "]),
        ("empty value", 400, MALFORMED, &[b""]),
        ("two lines", 400, MALFORMED, &[b"Bearer a", b"Bearer b"]),
    ];
    for (name, status, challenge, authorization) in rows {
        let response = call_optional(get("/news", authorization)).await;
        response.assert_rejected(name, *status, Some(challenge));
    }
}

// conformance 245
#[tokio::test]
async fn expired_token_is_anonymous_with_the_switch_of_an_optional_middleware_only() {
    let okta = mock().await;
    let expired = okta.token("ada").expired().sign();
    let forged = okta.token("ada").expired().foreign_key().sign();
    for (name, verify) in [
        ("strict", cold(&okta)),
        ("optional", cold(&okta).optional()),
        ("not optional", cold(&okta).expired_as_anonymous()),
    ] {
        let app = app(web::resource("/news").wrap(verify).get(whoami)).await;
        let response = send(&app, bearer("/news", &expired)).await;
        response.assert_rejected(name, 401, Some(INVALID));
    }
    let verify = cold(&okta).optional().expired_as_anonymous();
    let app = app(web::resource("/news").wrap(verify).get(whoami)).await;
    // The first request has to wait for the keys, and the second one does not.
    for _ in 0..2 {
        let response = send(&app, bearer("/news", &expired)).await;
        response.assert_served("expired", "anonymous");
        let response = send(&app, bearer("/news", &forged)).await;
        response.assert_rejected("forged", 401, Some(INVALID));
    }
}

/// RFC 9700 §4.3.2: a token in the query is ignored, so the request has no credentials.
#[tokio::test]
async fn query_token_alone_is_anonymous() {
    let uri = format!("/news?access_token={}", okta().token("ada").sign());
    let response = call_optional(get(&uri, &[])).await;
    response.assert_served("query alone", "anonymous");
}

#[tokio::test]
async fn strict_middleware_inside_an_optional_one_requires_a_token() {
    let orders = web::resource("/orders").wrap(strict()).get(whoami);
    let app = app(web::scope("").wrap(strict().optional()).service(orders)).await;

    let without = send(&app, get("/orders", &[])).await;
    without.assert_rejected("no field", 401, Some(PLAIN));

    let jwt = okta().token("ada").sign();
    let with = send(&app, bearer("/orders", &jwt)).await;
    with.assert_served("valid token", "ada");
}

#[tokio::test]
async fn optional_middleware_inside_a_strict_one_still_requires_a_token() {
    let orders = web::resource("/orders")
        .wrap(strict().optional())
        .get(whoami);
    let app = app(web::scope("").wrap(strict()).service(orders)).await;

    let without = send(&app, get("/orders", &[])).await;
    without.assert_rejected("no field", 401, Some(PLAIN));
}

/// Two issuers, one inside the other: the inner one rejects the tokens of the outer one.
#[tokio::test]
async fn outer_issuers_token_is_rejected_by_the_inner_middleware() {
    let partner = TestIssuer::rfc9068(AUDIENCE);
    let outer = VerifyMiddleware::new(verifier(&partner));
    let orders = web::resource("/orders").wrap(strict()).get(whoami);
    let app = app(web::scope("").wrap(outer).service(orders)).await;

    let jwt = partner.token("mallory").sign();
    let response = send(&app, bearer("/orders", &jwt)).await;
    response.assert_rejected("the outer issuer's token", 401, Some(INVALID));
}

#[tokio::test]
async fn earlier_result_in_the_extensions_is_removed() {
    let token = verifier(okta())
        .verify(&okta().token("mallory").sign())
        .await
        .expect("the token is valid");
    let anonymous = verifier(okta()).anonymous();
    let routes = web::scope("")
        .wrap_fn(move |request, inner| {
            request.extensions_mut().insert(token.clone());
            request.extensions_mut().insert(anonymous.clone());
            inner.call(request)
        })
        .service(web::resource("/orders").wrap(strict()).get(whoami))
        .service(web::resource("/news").wrap(strict().optional()).get(whoami))
        .service(web::resource("/open").get(whoami));
    let app = app(routes).await;

    let open = send(&app, get("/open", &[])).await;
    open.assert_served("both are present", "both");
    let strict = send(&app, get("/orders", &[])).await;
    strict.assert_rejected("strict", 401, Some(PLAIN));
    let optional = send(&app, get("/news", &[])).await;
    optional.assert_served("optional", "anonymous");
    let jwt = okta().token("ada").sign();
    for path in ["/orders", "/news"] {
        let response = send(&app, bearer(path, &jwt)).await;
        response.assert_served("the token alone", "ada");
    }
}
