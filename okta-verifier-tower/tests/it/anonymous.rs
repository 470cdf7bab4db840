//! `VerifyLayer::optional`, and what a layer does about an earlier layer's verdict.

use http::{Request, Response};
use okta_verifier::VerifiedToken;
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    INVALID, MALFORMED, PLAIN, assert_refused, assert_served, bearer, get, okta, verifier, who,
};

async fn ask_optional(request: Request<()>) -> Response<String> {
    let layer = VerifyLayer::new(verifier(okta())).optional();
    let Ok(answer) = layer.layer(service_fn(who)).oneshot(request).await;
    answer
}

#[tokio::test]
async fn optional_lets_only_the_absent_field_pass() {
    assert_served(
        "no field",
        &ask_optional(get("/news", &[])).await,
        "anonymous",
    );
    let good = ask_optional(bearer(&okta().token("ada").sign())).await;
    assert_served("good token", &good, "ada");

    assert_refused(
        "bad token",
        &ask_optional(bearer("a.b.c")).await,
        401,
        Some(INVALID),
    );
    let rows: &[(&str, u16, &str, &[&[u8]])] = &[
        ("another scheme", 401, PLAIN, &[b"Basic YWRhOmFkYQ=="]),
        ("empty token", 400, MALFORMED, &[b"Bearer "]),
        ("empty value", 400, MALFORMED, &[b""]),
        ("two lines", 400, MALFORMED, &[b"Bearer a", b"Bearer b"]),
    ];
    for (name, status, challenge, authorization) in rows {
        let answer = ask_optional(get("/news", authorization)).await;
        assert_refused(name, &answer, *status, Some(challenge));
    }
}

#[tokio::test]
async fn a_strict_layer_inside_an_optional_one_decides() {
    let verifier = verifier(okta());
    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(who::<()>));
    let service = VerifyLayer::new(verifier).optional().layer(strict);

    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_refused("no field", &without, 401, Some(PLAIN));

    let Ok(with) = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_served("good token", &with, "ada");
}

#[tokio::test]
async fn an_optional_layer_inside_a_strict_one_admits_nobody_new() {
    let verifier = verifier(okta());
    let optional = VerifyLayer::new(verifier.clone())
        .optional()
        .layer(service_fn(who::<()>));
    let service = VerifyLayer::new(verifier).layer(optional);

    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_refused("no field", &without, 401, Some(PLAIN));
}

/// What an outer layer found under its own issuer is not this layer's verdict.
#[tokio::test]
async fn an_earlier_token_does_not_survive() {
    let verifier = verifier(okta());
    let earlier: VerifiedToken = verifier
        .verify(&okta().token("mallory").sign())
        .await
        .expect("a good token");
    let with_earlier = || {
        let mut request: Request<()> = get("/orders", &[]);
        request.extensions_mut().insert(earlier.clone());
        request.extensions_mut().insert(verifier.anonymous());
        request
    };

    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(who::<()>));
    let Ok(refused) = strict.oneshot(with_earlier()).await;
    assert_refused("strict", &refused, 401, Some(PLAIN));

    let optional = VerifyLayer::new(verifier.clone())
        .optional()
        .layer(service_fn(who::<()>));
    let Ok(anonymous) = optional.oneshot(with_earlier()).await;
    assert_served("optional", &anonymous, "anonymous");
}

#[tokio::test]
async fn a_strict_layer_removes_the_anonymous_mark() {
    let verifier = verifier(okta());
    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(who::<()>));
    let mut request = bearer(&okta().token("ada").sign());
    request.extensions_mut().insert(verifier.anonymous());

    let Ok(answer) = strict.oneshot(request).await;
    assert_served("token alone", &answer, "ada");
}
