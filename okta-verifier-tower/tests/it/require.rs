//! `RequireLayer` behind a strict layer, an optional one, and none.

use http::{Request, Response};
use okta_verifier::Policy;
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{
    LACKS_SCOPE, PLAIN, assert_refused, assert_served, bearer, get, okta, verifier, who,
};

async fn ask(policy: Policy, request: Request<()>) -> Response<String> {
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(verifier(okta())).optional())
        .layer(RequireLayer::new(policy))
        .service_fn(who);
    let Ok(answer) = service.oneshot(request).await;
    answer
}

#[tokio::test]
async fn a_scope_is_required() {
    let policy = Policy::scope("orders:read");
    let reader = okta().token("ada").scope("orders:read").sign();
    assert_served("scope", &ask(policy, bearer(&reader)).await, "ada");

    let writer = okta().token("ada").scope("orders:write").sign();
    assert_refused(
        "scope",
        &ask(policy, bearer(&writer)).await,
        403,
        Some(LACKS_SCOPE),
    );
}

// conformance 25
/// RFC 6750 §3.1: `insufficient_scope` is for what a scope would mend.
#[tokio::test]
async fn a_group_is_required_and_its_refusal_has_no_challenge() {
    let policy = Policy::group("Admins");
    let admin = okta().token("ada").group("Everyone").group("Admins").sign();
    assert_served("group", &ask(policy, bearer(&admin)).await, "ada");

    let other = okta().token("bob").group("Everyone").sign();
    assert_refused("group", &ask(policy, bearer(&other)).await, 403, None);
}

/// A caller without credentials is asked for them; 403 would tell it that asking again is useless.
#[tokio::test]
async fn anonymous_is_the_plain_401() {
    for policy in [
        Policy::any_token(),
        Policy::scope("orders:read"),
        Policy::group("Admins"),
    ] {
        assert_refused(
            "anonymous",
            &ask(policy, get("/orders", &[])).await,
            401,
            Some(PLAIN),
        );
    }
}

// conformance 224
#[tokio::test]
async fn a_missing_layer_is_500_even_for_a_good_token() {
    let service = RequireLayer::new(Policy::any_token()).layer(service_fn(who::<()>));
    let Ok(without) = service.clone().oneshot(get("/orders", &[])).await;
    assert_refused("no token", &without, 500, None);

    let Ok(with) = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_refused("a good token", &with, 500, None);
}
