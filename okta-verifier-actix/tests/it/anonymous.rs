//! `VerifyMiddleware::optional`, and what a middleware does about an earlier one's verdict.

use actix_web::{HttpMessage, dev::Service, test::TestRequest, web};
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::TestIssuer;

use crate::support::{
    AUDIENCE, Answer, INVALID, MALFORMED, PLAIN, app, bearer, get, okta, send, strict, verifier,
    who,
};

async fn ask_optional(request: TestRequest) -> Answer {
    let news = web::resource("/news").wrap(strict().optional()).get(who);
    send(&app(news).await, request).await
}

#[tokio::test]
async fn optional_lets_only_the_absent_field_pass() {
    let without = ask_optional(get("/news", &[])).await;
    without.served("no field", "anonymous");
    let good = ask_optional(bearer("/news", &okta().token("ada").sign())).await;
    good.served("good token", "ada");

    let bad = ask_optional(bearer("/news", "a.b.c")).await;
    bad.refused("bad token", 401, Some(INVALID));
    let rows: &[(&str, u16, &str, &[&[u8]])] = &[
        ("another scheme", 401, PLAIN, &[b"Basic YWRhOmFkYQ=="]),
        ("empty token", 400, MALFORMED, &[b"Bearer "]),
        ("empty value", 400, MALFORMED, &[b""]),
        ("two lines", 400, MALFORMED, &[b"Bearer a", b"Bearer b"]),
    ];
    for (name, status, challenge, authorization) in rows {
        let answer = ask_optional(get("/news", authorization)).await;
        answer.refused(name, *status, Some(challenge));
    }
}

/// RFC 9700 §4.3.2: a token in the query is no token, so this caller has none.
#[tokio::test]
async fn a_token_in_the_query_alone_is_anonymous() {
    let uri = format!("/news?access_token={}", okta().token("ada").sign());
    let answer = ask_optional(get(&uri, &[])).await;
    answer.served("query alone", "anonymous");
}

#[tokio::test]
async fn a_strict_middleware_inside_an_optional_one_decides() {
    let orders = web::resource("/orders").wrap(strict()).get(who);
    let app = app(web::scope("").wrap(strict().optional()).service(orders)).await;

    let without = send(&app, get("/orders", &[])).await;
    without.refused("no field", 401, Some(PLAIN));

    let jwt = okta().token("ada").sign();
    let with = send(&app, bearer("/orders", &jwt)).await;
    with.served("good token", "ada");
}

#[tokio::test]
async fn an_optional_middleware_inside_a_strict_one_admits_nobody_new() {
    let orders = web::resource("/orders").wrap(strict().optional()).get(who);
    let app = app(web::scope("").wrap(strict()).service(orders)).await;

    let without = send(&app, get("/orders", &[])).await;
    without.refused("no field", 401, Some(PLAIN));
}

/// Two issuers, one inside the other: what the outer one accepts is nothing to the inner one.
#[tokio::test]
async fn a_token_of_the_outer_issuer_is_none_of_the_inner_one() {
    let partner = TestIssuer::rfc9068(AUDIENCE);
    let outer = VerifyMiddleware::new(verifier(&partner));
    let orders = web::resource("/orders").wrap(strict()).get(who);
    let app = app(web::scope("").wrap(outer).service(orders)).await;

    let jwt = partner.token("mallory").sign();
    let answer = send(&app, bearer("/orders", &jwt)).await;
    answer.refused("the outer issuer's token", 401, Some(INVALID));
}

#[tokio::test]
async fn an_earlier_verdict_does_not_survive() {
    let token = verifier(okta())
        .verify(&okta().token("mallory").sign())
        .await
        .expect("a good token");
    let anonymous = verifier(okta()).anonymous();
    let routes = web::scope("")
        .wrap_fn(move |request, inner| {
            request.extensions_mut().insert(token.clone());
            request.extensions_mut().insert(anonymous.clone());
            inner.call(request)
        })
        .service(web::resource("/orders").wrap(strict()).get(who))
        .service(web::resource("/news").wrap(strict().optional()).get(who))
        .service(web::resource("/open").get(who));
    let app = app(routes).await;

    let open = send(&app, get("/open", &[])).await;
    open.served("both were put there", "both");
    let strict = send(&app, get("/orders", &[])).await;
    strict.refused("strict", 401, Some(PLAIN));
    let optional = send(&app, get("/news", &[])).await;
    optional.served("optional", "anonymous");
    let jwt = okta().token("ada").sign();
    for path in ["/orders", "/news"] {
        let answer = send(&app, bearer(path, &jwt)).await;
        answer.served("the token alone", "ada");
    }
}
