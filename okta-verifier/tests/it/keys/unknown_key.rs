//! Tokens whose key the issuer does not publish: the response, and the key fetches they cause.

use std::time::{Duration, Instant};

use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation, TokenBuilder};
use serde_json::{Value, json};

use crate::support::mock_issuer::{AUDIENCE, build, issuer, result_code, verifier, warmed_up};

/// The interval at which the budget for unknown keys grows by one fetch.
const REFILL: Duration = Duration::from_secs(10);

/// Returns a token with valid claims and a key ID that was never published.
fn invented(okta: &MockOkta, number: usize) -> TokenBuilder {
    okta.token("ada").key_id(&format!("invented-{number}"))
}

/// Asserts that at most four fetches happened, and one more for each refill of the budget, of which a
/// slow machine may see some.
fn assert_fetches_within_budget(okta: &MockOkta, began: Instant) {
    let refills = usize::try_from(began.elapsed().as_secs() / REFILL.as_secs()).unwrap();
    assert!(okta.hits().keys <= 4 + refills, "{:?}", okta.hits());
}

/// Returns one key of the issuer as a key set.
fn first_key_only(okta: &MockOkta) -> String {
    let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    json!({ "keys": [set["keys"][0].take()] }).to_string()
}

/// Advances the clock without waiting. Sockets need a running clock afterwards.
async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Returns the status and every header of the rejection.
async fn response(verifier: &Verifier, jwt: &str) -> (u16, Vec<(String, String)>) {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let rejection = verifier
        .authenticate(&credentials)
        .await
        .expect_err("rejected");
    let headers = rejection.headers().map(|(name, value)| {
        let value = value.to_str().expect("ASCII");
        (name.to_string(), value.to_owned())
    });
    (rejection.status().as_u16(), headers.collect())
}

// finding 11
#[tokio::test]
async fn unknown_key_flood_is_401_for_four_fetches_and_valid_tokens_are_served() {
    let (okta, verifier) = warmed_up().await;
    let honest = okta.token("bob").sign();
    let began = Instant::now();
    for number in 0..200 {
        let (status, _) = response(&verifier, &invented(&okta, number).sign()).await;
        assert_eq!(status, 401, "invented id {number}");
        assert_eq!(result_code(&verifier, &honest).await, "ok");
    }
    assert_fetches_within_budget(&okta, began);
    assert_eq!(
        result_code(&verifier, &okta.token("eve").sign()).await,
        "ok"
    );
}

// finding 11
#[tokio::test]
async fn unknown_key_code_is_the_same_before_and_after_the_budget_is_spent() {
    let (okta, verifier) = warmed_up().await;
    for number in 0..20 {
        let jwt = invented(&okta, number).sign();
        assert_eq!(result_code(&verifier, &jwt).await, "unknown_key_id");
    }
}

// finding 11
#[tokio::test]
async fn unknown_key_rotated_right_after_warm_up_is_accepted_at_once() {
    let (okta, verifier) = warmed_up().await;
    for rotation in [Rotation::Overlap, Rotation::Hard] {
        okta.rotate(rotation);
        assert_eq!(
            result_code(&verifier, &okta.token("ada").sign()).await,
            "ok"
        );
    }
}

// finding 11
#[tokio::test]
async fn unknown_key_rotated_in_a_flood_is_accepted_within_one_refill_interval() {
    let (okta, verifier) = warmed_up().await;
    for number in 0..50 {
        result_code(&verifier, &invented(&okta, number).sign()).await;
    }
    okta.rotate(Rotation::Overlap);
    let rotated = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &rotated).await, "unknown_key_id");
    advance(REFILL).await;
    // The flood uses the refill first, and its fetch brings the new key.
    let flood = result_code(&verifier, &invented(&okta, 50).sign()).await;
    assert_eq!(flood, "unknown_key_id");
    assert_eq!(result_code(&verifier, &rotated).await, "ok");
    assert_eq!(okta.hits().keys, 5);
}

// finding 11
#[tokio::test]
async fn unknown_key_of_a_token_that_would_be_rejected_anyway_spends_no_fetch() {
    let okta = MockOkta::start().await;
    let issuer = okta.issuer(AUDIENCE).client_id("0oa1honest");
    let verifier = build(issuer);
    verifier.warm_up().await.unwrap();
    let token = |number| invented(&okta, number).client_id("0oa1honest");
    let hopeless = [
        token(0).expired(),
        token(1).not_before(4_000_000_000),
        token(2).issued_at(4_000_000_000).expires_at(4_000_000_060),
        token(3).audience("api://other"),
        token(4).client_id("0oa1other"),
        token(5).without("cid"),
        token(6).claim("jti", "ID.1"),
        token(7).claim("events", json!({ "a": {} })),
        token(8).claim("cnf", 7),
    ];
    for (number, token) in hopeless.into_iter().cycle().take(90).enumerate() {
        let code = result_code(&verifier, &token.sign()).await;
        assert_eq!(code, "unknown_key_id", "token {number}");
    }
    assert_eq!(okta.hits().keys, 1, "the first fetch only");
    // The budget is untouched.
    okta.rotate(Rotation::Hard);
    let rotated = okta.token("ada").client_id("0oa1honest").sign();
    assert_eq!(result_code(&verifier, &rotated).await, "ok");
}

// finding 11
#[tokio::test]
async fn unknown_key_of_a_token_that_would_be_rejected_anyway_still_makes_the_first_fetch() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let expired = invented(&okta, 0).expired().sign();
    assert_eq!(result_code(&verifier, &expired).await, "unknown_key_id");
    assert_eq!(okta.hits().keys, 1);
}

// finding 11
#[tokio::test]
async fn unknown_key_and_unknown_issuer_get_the_same_response() {
    let (okta, verifier) = warmed_up().await;
    for number in 0..10 {
        let configured = response(&verifier, &invented(&okta, number).sign()).await;
        let other = "https://other.okta.test/oauth2/default";
        let foreign = invented(&okta, number).claim("iss", other).sign();
        assert_eq!(configured, response(&verifier, &foreign).await);
        assert_eq!(configured.0, 401);
    }
}

// finding 11
#[tokio::test]
async fn unknown_key_is_503_while_the_keys_cannot_be_fetched() {
    let (okta, verifier) = warmed_up().await;
    okta.fault(Endpoint::Keys, Fault::Status(500));
    // The first one causes a fetch; the others wait for the back-off, whatever their claims are.
    for token in [
        invented(&okta, 0),
        invented(&okta, 1),
        invented(&okta, 2).expired(),
        invented(&okta, 3).audience("api://other"),
    ] {
        let (status, headers) = response(&verifier, &token.sign()).await;
        assert_eq!(status, 503);
        assert!(headers.iter().any(|(name, _)| name == "retry-after"));
    }
    assert_eq!(okta.hits().keys, 2);
    okta.clear_faults();
    advance(REFILL).await;
    let (status, _) = response(&verifier, &invented(&okta, 4).sign()).await;
    assert_eq!(status, 401);
}

// finding 11
#[tokio::test]
async fn unknown_key_is_401_with_a_spent_budget_although_a_fetch_failed_in_between() {
    let (okta, verifier) = warmed_up().await;
    for number in 0..2 {
        result_code(&verifier, &invented(&okta, number).sign()).await;
    }
    okta.fault_times(Endpoint::Keys, Fault::Status(500), 1);
    let code = result_code(&verifier, &invented(&okta, 2).sign()).await;
    assert_eq!(code, "unavailable");
    // The back-off ends before the refill; the last successful fetch was seconds ago.
    advance(Duration::from_secs(1)).await;
    let code = result_code(&verifier, &invented(&okta, 3).sign()).await;
    assert_eq!(code, "unknown_key_id");
    assert_eq!(okta.hits().keys, 4);
}

/// Publishes only the key at `index`, without `kid`.
fn publish_lone(okta: &MockOkta, index: usize) {
    let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let mut key = set["keys"][index].take();
    key.as_object_mut().unwrap().remove("kid");
    let body = json!({ "keys": [key] }).to_string();
    okta.fault(Endpoint::Keys, Fault::Body(body.into_bytes()));
}

/// Starts an issuer with a lone key without `kid`, and returns it with a verifier that allows tokens
/// without `kid`.
async fn lone_key() -> (MockOkta, Verifier) {
    let okta = MockOkta::start().await;
    publish_lone(&okta, 0);
    let verifier = build(issuer(&okta).allow_missing_key_id());
    (okta, verifier)
}

// field kind J
#[tokio::test]
async fn lone_key_accepts_tokens_without_key_id_through_its_rotation() {
    let (okta, verifier) = lone_key().await;
    let old = okta.token("ada").without_header("kid").sign();
    for _ in 0..3 {
        assert_eq!(result_code(&verifier, &old).await, "ok");
    }
    let named = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &named).await, "unknown_key_id");
    assert_eq!(okta.hits().keys, 2, "one fetch for the token with a key ID");
    okta.rotate(Rotation::Hard);
    publish_lone(&okta, 0);
    let new = okta.token("ada").without_header("kid").sign();
    assert_eq!(result_code(&verifier, &new).await, "ok");
    assert_eq!(result_code(&verifier, &old).await, "bad_signature");
    assert_eq!(okta.hits().keys, 4, "one fetch for each");
}

// field kind J
#[tokio::test]
async fn lone_key_flood_of_invalid_signatures_causes_a_bounded_number_of_fetches() {
    let (okta, verifier) = lone_key().await;
    verifier.warm_up().await.unwrap();
    let invalid = |number: usize| {
        let token = okta.token(format!("eve {number}")).tampered();
        token.without_header("kid").sign()
    };
    let expired = okta.token("eve").expired().tampered();
    let expired = expired.without_header("kid").sign();
    for _ in 0..10 {
        assert_eq!(result_code(&verifier, &expired).await, "bad_signature");
    }
    assert_eq!(
        okta.hits().keys,
        1,
        "a token with invalid claims causes no fetch"
    );
    let began = Instant::now();
    for number in 0..50 {
        assert_eq!(
            result_code(&verifier, &invalid(number)).await,
            "bad_signature"
        );
    }
    assert_fetches_within_budget(&okta, began);
}

// field kind J
#[tokio::test]
async fn lone_key_that_changed_is_tried_once_and_no_third_key_is_fetched() {
    let (okta, verifier) = lone_key().await;
    verifier.warm_up().await.unwrap();
    okta.rotate(Rotation::Hard);
    let second = okta.token("ada").without_header("kid");
    publish_lone(&okta, 0);
    let of_neither = second.tampered().sign();
    assert_eq!(result_code(&verifier, &of_neither).await, "bad_signature");
    assert_eq!(okta.hits().keys, 2);
}

// field kind J
#[tokio::test]
async fn pinned_lone_key_accepts_tokens_without_key_id() {
    let okta = MockOkta::start().await;
    let lone = first_key_only(&okta);
    let valid = okta.token("ada").without_header("kid");
    let invalid = valid.clone().tampered().sign();
    let valid = valid.sign();
    let pinned = issuer(&okta).keys(lone);
    let lenient = build(pinned.clone().allow_missing_key_id());
    assert_eq!(result_code(&lenient, &valid).await, "ok");
    assert_eq!(result_code(&lenient, &invalid).await, "bad_signature");
    let strict = build(pinned);
    assert_eq!(result_code(&strict, &valid).await, "missing_key_id");
    assert_eq!(okta.hits().keys, 0);
}

// field kind J
#[tokio::test]
async fn lone_key_setting_is_off_by_default_and_applies_to_issuers_that_are_replaced() {
    let okta = MockOkta::start().await;
    let lone = first_key_only(&okta);
    okta.fault(Endpoint::Keys, Fault::Body(lone.into_bytes()));
    let verifier = verifier(&okta);
    let token = okta.token("ada").without_header("kid").sign();
    assert_eq!(result_code(&verifier, &token).await, "missing_key_id");
    verifier
        .set_issuers([issuer(&okta).allow_missing_key_id()])
        .unwrap();
    assert_eq!(result_code(&verifier, &token).await, "ok");
    verifier.set_issuers([issuer(&okta)]).unwrap();
    assert_eq!(result_code(&verifier, &token).await, "missing_key_id");
}
