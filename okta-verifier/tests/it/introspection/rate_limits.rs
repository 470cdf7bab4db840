//! Floods of invented tokens, and clients that send too many valid ones: all others are served.

use std::time::Duration;

use okta_verifier::{Verifier, dpop::DpopSettings};
use okta_verifier_testing::{Client, Endpoint, Fault, MockOkta};

use super::{calls, every_token, on_demand, opaque_tokens, verifier_with};
use crate::support::{
    mock_issuer::{build_with_timeout, issuer, result_code},
    token_edit::{with_header, without_claim},
};

/// Returns how authorization servers respond to tokens that they did not issue, other than with
/// `"active": false`.
fn reactions() -> [Fault; 5] {
    [
        Fault::Status(500),
        Fault::Status(401),
        Fault::OauthError(400, "unauthorized_client"),
        Fault::Drop,
        Fault::Hang,
    ]
}

// finding 2
#[tokio::test]
async fn introspection_failures_of_invented_tokens_do_not_affect_verified_tokens() {
    for reaction in reactions() {
        let okta = MockOkta::start().await;
        let verifier = impatient(&okta);
        verifier.warm_up().await.unwrap();
        okta.fault_for_unknown_tokens(reaction.clone());
        for round in 0..3 {
            for number in 0..3 {
                let code = result_code(&verifier, &format!("invented-{round}-{number}")).await;
                assert_eq!(code, "unavailable", "{reaction:?}");
            }
            let verified = okta.token("ada").sign();
            assert_eq!(
                result_code(&verifier, &verified).await,
                "ok",
                "{reaction:?}"
            );
        }
    }
}

// findings 2 and 5
#[tokio::test]
async fn introspection_failures_of_invented_tokens_do_not_affect_opaque_tokens_that_were_active() {
    for reaction in reactions() {
        let okta = MockOkta::start().await;
        let verifier = impatient(&okta);
        let known = okta.opaque_token("ada").sign();
        assert_eq!(result_code(&verifier, &known).await, "ok");
        okta.fault_for_unknown_tokens(reaction.clone());
        for round in 0..3 {
            for number in 0..3 {
                let code = result_code(&verifier, &format!("invented-{round}-{number}")).await;
                assert_eq!(code, "unavailable", "{reaction:?}");
            }
            assert_eq!(result_code(&verifier, &known).await, "ok", "{reaction:?}");
        }
        okta.clear_faults();
        okta.revoke(&known);
        assert_eq!(result_code(&verifier, &known).await, "inactive");
    }
}

/// A verifier that introspects at every request and waits half a second at most.
fn impatient(okta: &MockOkta) -> Verifier {
    let introspection = every_token().max_age(Duration::ZERO);
    build_with_timeout(
        Duration::from_millis(500),
        issuer(okta).introspection(introspection),
    )
}

// finding 5
#[tokio::test]
async fn introspection_of_tokens_that_were_active_has_a_budget_of_its_own() {
    let okta = MockOkta::start().await;
    // One per second, so that the rate stays used up on a slow machine too.
    let introspection = opaque_tokens().max_age(Duration::ZERO);
    let verifier = verifier_with(&okta, introspection.unverified_rate_limit(1, 32));
    let known = okta.opaque_token("ada").sign();
    assert_eq!(result_code(&verifier, &known).await, "ok");
    let mut is_used_up = false;
    for number in 0..100 {
        let code = result_code(&verifier, &format!("invented-{number}")).await;
        is_used_up |= code == "unavailable";
    }
    assert!(is_used_up);
    assert_eq!(result_code(&verifier, &known).await, "ok");
}

// finding 4
#[tokio::test]
async fn introspection_of_one_client_with_many_tokens_leaves_the_others_served() {
    for same_subject in [true, false] {
        let okta = MockOkta::start().await;
        // One per second, so that a slow machine does not serve the flooding client more often.
        let verifier = verifier_with(&okta, every_token().rate_limit(1, 32));
        verifier.warm_up().await.unwrap();
        let mut served = 0;
        for number in 0..200 {
            let subject = match same_subject {
                true => "eve".to_owned(),
                false => format!("eve-{number}"),
            };
            let jwt = okta.token(subject).client_id("0oa6greedy").sign();
            served += usize::from(result_code(&verifier, &jwt).await == "ok");
        }
        assert!((8..150).contains(&served), "{served}");
        // Half of the burst is for clients within their share.
        for number in 0..10 {
            let client = format!("0oa1client-{number}");
            let jwt = okta.token("ada").client_id(client).sign();
            assert_eq!(result_code(&verifier, &jwt).await, "ok", "{number}");
        }
    }
}

// finding 4
#[tokio::test]
async fn introspection_of_one_token_at_every_request_leaves_the_others_served() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, every_token().max_age(Duration::ZERO));
    let greedy = okta.token("eve").client_id("0oa6greedy").sign();
    for _ in 0..200 {
        result_code(&verifier, &greedy).await;
    }
    for number in 0..10 {
        let client = format!("0oa1client-{number}");
        let jwt = okta.token("ada").client_id(client).sign();
        assert_eq!(result_code(&verifier, &jwt).await, "ok", "{number}");
    }
}

// finding 5
#[tokio::test]
async fn introspection_of_strings_with_five_parts_is_off_by_default() {
    for introspection in [opaque_tokens(), every_token(), on_demand()] {
        let okta = MockOkta::start().await;
        let verifier = verifier_with(&okta, introspection);
        let encrypted = okta.token("ada").encrypted().sign();
        for token in ["a.b.c.d.e", "....", &encrypted] {
            assert_eq!(result_code(&verifier, token).await, "encrypted", "{token}");
        }
        assert_eq!(calls(&okta), 0);
    }
}

// finding 1
#[tokio::test]
async fn introspection_of_tokens_with_an_unknown_key_is_off_by_default() {
    for introspection in [opaque_tokens(), every_token(), on_demand()] {
        let okta = MockOkta::start().await;
        let verifier = verifier_with(&okta, introspection);
        // The server finds the token by its `jti`, and would call it active.
        let renamed = with_header(&okta.token("ada").sign(), "kid", "x");
        assert_eq!(result_code(&verifier, &renamed).await, "unknown_key_id");
        assert_eq!(calls(&okta), 0);
    }
}

// finding 1
#[tokio::test]
async fn introspection_does_not_unbind_a_stolen_token() {
    let okta = MockOkta::start().await;
    let client = Client::new();
    let bound = client.bind(okta.token("ada")).sign();
    let renamed = with_header(&bound, "kid", "x");
    let unbound = without_claim(&renamed, "cnf");
    // Some servers omit `cnf` from their responses.
    okta.fault(Endpoint::Introspection, Fault::Without("cnf"));
    let verifier = Verifier::builder()
        .issuer(issuer(&okta).introspection(every_token().tokens_with_unknown_keys()))
        .dpop(DpopSettings::base_url("https://api.example.com"))
        .build()
        .unwrap();
    for stolen in [&bound, &renamed, &unbound] {
        let value = format!("Bearer {stolen}");
        let credentials = okta_verifier::adapter::RequestCredentials::new([value.as_bytes()]);
        let rejection = verifier.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.status(), 401);
    }
}
