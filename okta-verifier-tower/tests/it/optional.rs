//! `VerifyLayer::optional`, and the handling of an earlier layer's result.

use http::{Request, Response};
use okta_verifier::VerifiedToken;
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    INVALID, MALFORMED, PLAIN, assert_rejected, assert_served, bearer, get,
    mock_issuer::{self, mock},
    okta, verifier, whoami,
};

async fn call_optional(request: Request<()>) -> Response<String> {
    let layer = VerifyLayer::new(verifier(okta())).optional();
    let Ok(response) = layer.layer(service_fn(whoami)).oneshot(request).await;
    response
}

#[tokio::test]
async fn optional_accepts_only_a_missing_field() {
    assert_served(
        "no field",
        &call_optional(get("/news", &[])).await,
        "anonymous",
    );
    let valid = call_optional(bearer(&okta().token("ada").sign())).await;
    assert_served("valid token", &valid, "ada");

    assert_rejected(
        "invalid token",
        &call_optional(bearer("a.b.c")).await,
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
        let response = call_optional(get("/news", authorization)).await;
        assert_rejected(name, &response, *status, Some(challenge));
    }
}

// conformance 245
#[tokio::test]
async fn expired_token_is_anonymous_with_the_switch_of_an_optional_layer_only() {
    let okta = mock().await;
    let expired = okta.token("ada").expired().sign();
    let forged = okta.token("ada").expired().foreign_key().sign();
    let cold = || VerifyLayer::new(mock_issuer::verifier(&okta));
    for (name, layer) in [
        ("strict", cold()),
        ("optional", cold().optional()),
        ("not optional", cold().expired_as_anonymous()),
    ] {
        let Ok(response) = layer
            .layer(service_fn(whoami))
            .oneshot(bearer(&expired))
            .await;
        assert_rejected(name, &response, 401, Some(INVALID));
    }
    let service = cold()
        .optional()
        .expired_as_anonymous()
        .layer(service_fn(whoami));
    // The first request has to wait for the keys, and the second one does not.
    for _ in 0..2 {
        let Ok(response) = service.clone().oneshot(bearer(&expired)).await;
        assert_served("expired", &response, "anonymous");
        let Ok(response) = service.clone().oneshot(bearer(&forged)).await;
        assert_rejected("forged", &response, 401, Some(INVALID));
    }
}

#[tokio::test]
async fn strict_layer_inside_an_optional_one_requires_a_token() {
    let verifier = verifier(okta());
    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(whoami::<()>));
    let service = VerifyLayer::new(verifier).optional().layer(strict);

    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_rejected("no field", &without, 401, Some(PLAIN));

    let Ok(with) = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_served("valid token", &with, "ada");
}

#[tokio::test]
async fn optional_layer_inside_a_strict_one_still_requires_a_token() {
    let verifier = verifier(okta());
    let optional = VerifyLayer::new(verifier.clone())
        .optional()
        .layer(service_fn(whoami::<()>));
    let service = VerifyLayer::new(verifier).layer(optional);

    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_rejected("no field", &without, 401, Some(PLAIN));
}

/// The inner layer removes what an outer layer verified with its own issuer.
#[tokio::test]
async fn earlier_token_in_the_extensions_is_removed() {
    let verifier = verifier(okta());
    let earlier: VerifiedToken = verifier
        .verify(&okta().token("mallory").sign())
        .await
        .expect("the token is valid");
    let with_earlier = || {
        let mut request: Request<()> = get("/orders", &[]);
        request.extensions_mut().insert(earlier.clone());
        request.extensions_mut().insert(verifier.anonymous());
        request
    };

    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(whoami::<()>));
    let Ok(rejected) = strict.oneshot(with_earlier()).await;
    assert_rejected("strict", &rejected, 401, Some(PLAIN));

    let optional = VerifyLayer::new(verifier.clone())
        .optional()
        .layer(service_fn(whoami::<()>));
    let Ok(anonymous) = optional.oneshot(with_earlier()).await;
    assert_served("optional", &anonymous, "anonymous");
}

#[tokio::test]
async fn anonymous_marker_is_removed_by_a_strict_layer() {
    let verifier = verifier(okta());
    let strict = VerifyLayer::new(verifier.clone()).layer(service_fn(whoami::<()>));
    let mut request = bearer(&okta().token("ada").sign());
    request.extensions_mut().insert(verifier.anonymous());

    let Ok(response) = strict.oneshot(request).await;
    assert_served("token alone", &response, "ada");
}
