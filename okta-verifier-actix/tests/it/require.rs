//! `RequireMiddleware` behind a strict middleware, an optional one, and none.

use actix_web::{test::TestRequest, web};
use okta_verifier::{OwnedPolicy, Policy};
use okta_verifier_actix::RequireMiddleware;

use crate::support::{Answer, LACKS_SCOPE, PLAIN, app, bearer, get, okta, send, strict, whoami};

async fn call(policy: impl Into<OwnedPolicy>, request: TestRequest) -> Answer {
    let orders = web::resource("/orders")
        .wrap(RequireMiddleware::new(policy))
        .wrap(strict().optional())
        .get(whoami);
    send(&app(orders).await, request).await
}

#[tokio::test]
async fn scope_is_required() {
    let policy = Policy::scope("orders:read");
    let reader = okta().token("ada").scope("orders:read").sign();
    let response = call(policy, bearer("/orders", &reader)).await;
    response.assert_served("scope", "ada");

    let writer = okta().token("ada").scope("orders:write").sign();
    let response = call(policy, bearer("/orders", &writer)).await;
    response.assert_rejected("scope", 403, Some(LACKS_SCOPE));
}

// conformance 227
#[tokio::test]
async fn scope_of_a_policy_from_data_is_required() {
    let policy: OwnedPolicy = serde_json::from_str(r#"{ "scope": "orders:read" }"#).expect("valid");
    let writer = okta().token("ada").scope("orders:write").sign();
    let response = call(policy.clone(), bearer("/orders", &writer)).await;
    response.assert_rejected("scope", 403, Some(LACKS_SCOPE));

    let reader = okta().token("ada").scope("orders:read").sign();
    let response = call(policy, bearer("/orders", &reader)).await;
    response.assert_served("scope", "ada");
}

/// RFC 6750 §3.1: `insufficient_scope` applies only if a scope would help.
#[tokio::test]
async fn group_is_required_and_its_rejection_has_no_challenge() {
    let policy = Policy::group("Admins");
    let admin = okta().token("ada").group("Everyone").group("Admins").sign();
    let response = call(policy, bearer("/orders", &admin)).await;
    response.assert_served("group", "ada");

    let other = okta().token("bob").group("Everyone").sign();
    let response = call(policy, bearer("/orders", &other)).await;
    response.assert_rejected("group", 403, None);
}

/// RFC 9470 §3: a valid token whose user must authenticate again.
#[tokio::test]
async fn step_up_is_401_and_names_the_acr_values() {
    let policy = Policy::acr(&["phr"]);
    let strong = okta().token("ada").claim("acr", "phr").sign();
    let response = call(policy, bearer("/orders", &strong)).await;
    response.assert_served("strong", "ada");

    let weak = okta().token("ada").sign();
    let response = call(policy, bearer("/orders", &weak)).await;
    let challenge = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", acr_values="phr""#;
    response.assert_rejected("weak", 401, Some(challenge));
}

/// A request without credentials gets a challenge. 403 would say that credentials cannot help.
#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    for policy in [
        Policy::any_token(),
        Policy::scope("orders:read"),
        Policy::group("Admins"),
    ] {
        let response = call(policy, get("/orders", &[])).await;
        response.assert_rejected("anonymous", 401, Some(PLAIN));
    }
}

/// Fails closed: without a verified token every request is rejected.
#[tokio::test]
async fn require_middleware_without_verify_middleware_is_500() {
    let orders = web::resource("/orders")
        .wrap(RequireMiddleware::new(Policy::any_token()))
        .get(whoami);
    let app = app(orders).await;
    let jwt = okta().token("ada").sign();
    let response = send(&app, bearer("/orders", &jwt)).await;
    response.assert_rejected("a valid token", 500, None);
    let response = send(&app, get("/orders", &[])).await;
    response.assert_rejected("no token", 500, None);
}

/// The wrong order has the same result: the last `wrap` is the outermost.
#[tokio::test]
async fn require_middleware_outside_verify_middleware_is_500() {
    let orders = web::resource("/orders")
        .wrap(strict())
        .wrap(RequireMiddleware::new(Policy::any_token()))
        .get(whoami);
    let jwt = okta().token("ada").sign();
    let response = send(&app(orders).await, bearer("/orders", &jwt)).await;
    response.assert_rejected("wrong order", 500, None);
}
