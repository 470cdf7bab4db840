//! `RequireLayer` behind a strict layer, an optional one, and none.

use http::{Request, Response};
use okta_verifier::{OwnedPolicy, Policy};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{
    LACKS_SCOPE, PLAIN, assert_rejected, assert_served, bearer, get, okta, verifier, whoami,
};

async fn call(policy: impl Into<OwnedPolicy>, request: Request<()>) -> Response<String> {
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(verifier(okta())).optional())
        .layer(RequireLayer::new(policy))
        .service_fn(whoami);
    let Ok(response) = service.oneshot(request).await;
    response
}

#[tokio::test]
async fn scope_is_required() {
    let policy = Policy::scope("orders:read");
    let reader = okta().token("ada").scope("orders:read").sign();
    assert_served("scope", &call(policy, bearer(&reader)).await, "ada");

    let writer = okta().token("ada").scope("orders:write").sign();
    assert_rejected(
        "scope",
        &call(policy, bearer(&writer)).await,
        403,
        Some(LACKS_SCOPE),
    );
}

// conformance 227
#[tokio::test]
async fn scope_of_a_policy_from_data_is_required() {
    let policy: OwnedPolicy = serde_json::from_str(r#"{ "scope": "orders:read" }"#).expect("valid");
    let writer = okta().token("ada").scope("orders:write").sign();
    let response = call(policy.clone(), bearer(&writer)).await;
    assert_rejected("scope", &response, 403, Some(LACKS_SCOPE));

    let reader = okta().token("ada").scope("orders:read").sign();
    assert_served("scope", &call(policy, bearer(&reader)).await, "ada");
}

// conformance 25
/// RFC 6750 §3.1: `insufficient_scope` applies only if a scope would help.
#[tokio::test]
async fn group_is_required_and_its_rejection_has_no_challenge() {
    let policy = Policy::group("Admins");
    let admin = okta().token("ada").group("Everyone").group("Admins").sign();
    assert_served("group", &call(policy, bearer(&admin)).await, "ada");

    let other = okta().token("bob").group("Everyone").sign();
    assert_rejected("group", &call(policy, bearer(&other)).await, 403, None);
}

/// A request without credentials gets a challenge. 403 would say that credentials cannot help.
#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    for policy in [
        Policy::any_token(),
        Policy::scope("orders:read"),
        Policy::group("Admins"),
    ] {
        assert_rejected(
            "anonymous",
            &call(policy, get("/orders", &[])).await,
            401,
            Some(PLAIN),
        );
    }
}

// conformance 224
#[tokio::test]
async fn missing_layer_is_500_even_for_a_valid_token() {
    let service = RequireLayer::new(Policy::any_token()).layer(service_fn(whoami::<()>));
    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_rejected("no token", &without, 500, None);

    let Ok(with) = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_rejected("a valid token", &with, 500, None);
}
