//! `RequireMiddleware` behind a strict middleware, an optional one, and none.

use actix_web::{test::TestRequest, web};
use okta_verifier::Policy;
use okta_verifier_actix::RequireMiddleware;

use crate::support::{Answer, LACKS_SCOPE, PLAIN, app, bearer, get, okta, send, strict, who};

async fn ask(policy: Policy, request: TestRequest) -> Answer {
    let orders = web::resource("/orders")
        .wrap(RequireMiddleware::new(policy))
        .wrap(strict().optional())
        .get(who);
    send(&app(orders).await, request).await
}

#[tokio::test]
async fn a_scope_is_required() {
    let policy = Policy::scope("orders:read");
    let reader = okta().token("ada").scope("orders:read").sign();
    let answer = ask(policy, bearer("/orders", &reader)).await;
    answer.served("scope", "ada");

    let writer = okta().token("ada").scope("orders:write").sign();
    let answer = ask(policy, bearer("/orders", &writer)).await;
    answer.refused("scope", 403, Some(LACKS_SCOPE));
}

/// RFC 6750 §3.1: `insufficient_scope` is for what a scope would mend.
#[tokio::test]
async fn a_group_is_required_and_its_refusal_has_no_challenge() {
    let policy = Policy::group("Admins");
    let admin = okta().token("ada").group("Everyone").group("Admins").sign();
    let answer = ask(policy, bearer("/orders", &admin)).await;
    answer.served("group", "ada");

    let other = okta().token("bob").group("Everyone").sign();
    let answer = ask(policy, bearer("/orders", &other)).await;
    answer.refused("group", 403, None);
}

/// RFC 9470 §3: a valid token whose user has to authenticate anew.
#[tokio::test]
async fn step_up_is_401_and_says_what_would_do() {
    let policy = Policy::acr(&["phr"]);
    let strong = okta().token("ada").claim("acr", "phr").sign();
    let answer = ask(policy, bearer("/orders", &strong)).await;
    answer.served("strong", "ada");

    let weak = okta().token("ada").sign();
    let answer = ask(policy, bearer("/orders", &weak)).await;
    let challenge = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", acr_values="phr""#;
    answer.refused("weak", 401, Some(challenge));
}

/// A caller without credentials is asked for them; 403 would tell it that asking again is useless.
#[tokio::test]
async fn anonymous_is_the_plain_401() {
    for policy in [
        Policy::any_token(),
        Policy::scope("orders:read"),
        Policy::group("Admins"),
    ] {
        let answer = ask(policy, get("/orders", &[])).await;
        answer.refused("anonymous", 401, Some(PLAIN));
    }
}

/// Closed, not open: nobody looked at the token.
#[tokio::test]
async fn without_a_verifying_middleware_it_is_500() {
    let orders = web::resource("/orders")
        .wrap(RequireMiddleware::new(Policy::any_token()))
        .get(who);
    let app = app(orders).await;
    let jwt = okta().token("ada").sign();
    let answer = send(&app, bearer("/orders", &jwt)).await;
    answer.refused("a good token", 500, None);
    let answer = send(&app, get("/orders", &[])).await;
    answer.refused("no token", 500, None);
}

/// The wrong order is the same mistake: the last `wrap` is the outermost.
#[tokio::test]
async fn outside_the_verifying_middleware_it_is_500() {
    let orders = web::resource("/orders")
        .wrap(strict())
        .wrap(RequireMiddleware::new(Policy::any_token()))
        .get(who);
    let jwt = okta().token("ada").sign();
    let answer = send(&app(orders).await, bearer("/orders", &jwt)).await;
    answer.refused("wrong order", 500, None);
}
