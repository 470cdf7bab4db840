//! Rules and introspection: the rules are applied to the response, and a response that says inactive becomes a rule.

use okta_verifier::introspection::{ClientAuthentication, Introspection};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta};
use serde_json::{Value, json};

use super::*;
use crate::support::mock_issuer;

fn client() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET)
}

fn introspecting(okta: &MockOkta, introspection: Introspection) -> (Verifier, Revocations) {
    verifier(mock_issuer::issuer(okta).introspection(introspection))
}

fn respond(okta: &MockOkta, response: &Value) {
    let body = response.to_string().into_bytes();
    okta.fault(Endpoint::Introspection, Fault::Body(body));
}

// conformance 282
#[tokio::test]
async fn opaque_token_is_rejected_by_the_subject_of_its_response() {
    let okta = MockOkta::start().await;
    let (verifier, revocations) = introspecting(&okta, Introspection::opaque_tokens(client()));
    let (ada_token, bob_token) = (
        okta.opaque_token("ada").sign(),
        okta.opaque_token("bob").sign(),
    );
    for token in [&ada_token, &bob_token] {
        assert_eq!(code(&verifier, token).await, "ok");
    }
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    // The response is cached, and a new one has the same subject.
    assert_eq!(code(&verifier, &ada_token).await, "revoked");
    assert_eq!(
        code(
            &verifier,
            &okta.opaque_token("ada").issued_at(unix() - 20).sign()
        )
        .await,
        "revoked"
    );
    assert_eq!(code(&verifier, &bob_token).await, "ok");
}

#[tokio::test]
async fn response_without_iat_counts_as_issued_when_it_was_requested() {
    let okta = MockOkta::start().await;
    let (verifier, revocations) = introspecting(&okta, Introspection::opaque_tokens(client()));
    let response = json!({
        "active": true, "sub": "ada", "aud": "api://default", "client_id": CLIENT_ID, "token_type": "Bearer",
        "exp": unix() + 600,
    });
    respond(&okta, &response);
    let earlier = UNIX_EPOCH + std::time::Duration::from_secs(unix() - 10);
    revocations
        .revoke(ada(okta.issuer_url()).before(earlier))
        .await
        .unwrap();
    assert_eq!(code(&verifier, "opaque-token").await, "ok");
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    assert_eq!(code(&verifier, "opaque-token").await, "revoked");
}

#[tokio::test]
async fn revoked_token_is_not_introspected() {
    let okta = MockOkta::start().await;
    let (verifier, revocations) = introspecting(&okta, Introspection::every_token(client()));
    assert_eq!(code(&verifier, &okta.token("ada").sign()).await, "ok");
    let requests = okta.hits().introspection;
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    let another = okta.token("ada").issued_at(unix() - 20).sign();
    assert_eq!(code(&verifier, &another).await, "revoked");
    assert_eq!(okta.hits().introspection, requests);
}

#[tokio::test]
async fn narrowed_token_is_still_compared_with_the_rules() {
    let okta = MockOkta::start().await;
    let (verifier, revocations) = introspecting(&okta, Introspection::every_token(client()));
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .scope("orders:write")
        .claim("jti", "AT.1")
        .sign();
    respond(
        &okta,
        &json!({
            "active": true, "sub": "ada", "aud": "api://default", "client_id": CLIENT_ID, "token_type": "Bearer",
            "exp": unix() + 600, "iat": unix(), "scope": "orders:read",
        }),
    );
    let token = verifier.verify(&jwt).await.unwrap();
    assert!(!token.has_scope("orders:write"));
    let void = verifier.until_void(&token);
    revocations
        .revoke(Rule::token(okta.issuer_url(), "AT.1"))
        .await
        .unwrap();
    assert_eq!(code(&verifier, &jwt).await, "revoked");
    assert_eq!(void.await, okta_verifier::VoidReason::Revoked);
}

// conformance 282
#[tokio::test]
async fn lightweight_token_is_rejected_by_the_subject_of_its_response() {
    let okta = MockOkta::start().await;
    let issuer = Issuer::keycloak(okta.issuer_url(), "orders-api")
        .any_client_id()
        .introspection(Introspection::on_demand(client()))
        .lightweight_tokens();
    let (verifier, revocations) = verifier(issuer);
    let mut token = okta.token("ada").typ("JWT");
    for absent in ["aud", "sub", "cid", "uid", "ver", "scp", "auth_time"] {
        token = token.without(absent);
    }
    let jwt = token
        .claim("typ", "Bearer")
        .claim("azp", "web")
        .claim("jti", "onltro:1")
        .sign();
    respond(
        &okta,
        &json!({
            "active": true, "iss": okta.issuer_url(), "typ": "Bearer", "azp": "web", "client_id": "web",
            "jti": "onltro:1", "aud": ["orders-api"], "sub": "a8589300", "token_type": "Bearer",
            "scope": "openid", "exp": 33_000_000_000_u64, "iat": unix() + 30,
        }),
    );
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let other = Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "ada");
    revocations.revoke(other).await.unwrap();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let rule = Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "a8589300");
    revocations.revoke(rule).await.unwrap();
    // The signed `iat` decides, not that of the response.
    assert_eq!(code(&verifier, &jwt).await, "revoked");
}

// conformance 286
#[tokio::test]
async fn inactive_response_becomes_a_rule_only_after_an_active_one_of_the_issuer() {
    let okta = MockOkta::start().await;
    let (verifier, _revocations) = introspecting(&okta, Introspection::every_token(client()));
    let first = okta.token("ada").revoked().sign();
    for _ in 0..2 {
        assert_eq!(code(&verifier, &first).await, "inactive"); // perhaps the settings are wrong
    }
    assert_eq!(code(&verifier, &okta.token("bob").sign()).await, "ok");
    let second = okta.token("ada").revoked().sign();
    assert_eq!(code(&verifier, &second).await, "inactive");
    let requests = okta.hits().introspection;
    assert_eq!(code(&verifier, &second).await, "revoked");
    assert_eq!(okta.hits().introspection, requests);
    let health = verifier.health().remove(0);
    assert_eq!(health.revocation().unwrap().rules, 1);
}

#[tokio::test]
async fn inactive_response_about_an_opaque_token_becomes_no_rule() {
    let okta = MockOkta::start().await;
    let (verifier, _revocations) = introspecting(&okta, Introspection::every_token(client()));
    assert_eq!(code(&verifier, &okta.token("bob").sign()).await, "ok");
    for _ in 0..2 {
        assert_eq!(
            code(&verifier, &okta.opaque_token("ada").revoked().sign()).await,
            "inactive"
        );
        assert_eq!(
            code(&verifier, &okta.token("ada").tampered().revoked().sign()).await,
            "bad_signature"
        );
    }
    let health = verifier.health().remove(0);
    assert_eq!(health.revocation().unwrap().rules, 0);
}
