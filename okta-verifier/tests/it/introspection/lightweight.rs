//! Keycloak's lightweight tokens, which leave their audience and their subject to the response.

use okta_verifier::{
    Issuer, Policy, SubjectKind, Verifier, adapter::RequestCredentials, dpop::DpopSettings,
    introspection::Introspection,
};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, TokenBuilder};
use serde_json::{Value, json};

use super::{calls, client, every_token, on_demand};
use crate::support::mock_issuer::result_code;

fn issuer(okta: &MockOkta, introspection: Introspection) -> Issuer {
    Issuer::keycloak(okta.issuer_url(), "orders-api")
        .any_client_id()
        .introspection(introspection)
}

fn verifier(okta: &MockOkta) -> Verifier {
    let issuer = issuer(okta, on_demand()).lightweight_tokens();
    Verifier::builder().issuer(issuer).build().unwrap()
}

/// Returns the lightweight token of a user. Its `jti` is `onltro:1`.
fn user(okta: &MockOkta) -> TokenBuilder {
    let mut token = okta.token("ada").typ("JWT");
    for absent in ["aud", "sub", "cid", "uid", "ver", "scp", "auth_time"] {
        token = token.without(absent);
    }
    let token = token
        .claim("typ", "Bearer")
        .claim("azp", "web")
        .claim("sid", "s1");
    token
        .claim("jti", "onltro:1")
        .claim("scope", "openid profile")
}

/// Returns Keycloak's response about the token of [`user`].
fn response(okta: &MockOkta) -> Value {
    json!({
        "active": true, "iss": okta.issuer_url(), "typ": "Bearer", "azp": "web", "client_id": "web",
        "sid": "s1", "jti": "onltro:1", "aud": ["orders-api", "account"], "sub": "a8589300",
        "preferred_username": "ada", "username": "ada", "token_type": "Bearer",
        "scope": "openid orders.read", "realm_access": { "roles": ["clerk"] },
        "exp": 33_000_000_000_u64,
    })
}

fn respond(okta: &MockOkta, response: &Value) {
    let body = response.to_string().into_bytes();
    okta.fault(Endpoint::Introspection, Fault::Body(body));
}

/// Returns the result for a token, if the issuer responds with these changes. A null removes a member.
async fn result_with(okta: &MockOkta, token: TokenBuilder, changes: Value) -> &'static str {
    let mut response = response(okta);
    let members = response.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    respond(okta, &response);
    // A new verifier has no cached response.
    result_code(&verifier(okta), &token.sign()).await
}

#[tokio::test]
async fn lightweight_token_without_the_switch_is_rejected() {
    let okta = MockOkta::start().await;
    respond(&okta, &response(&okta));
    for introspection in [on_demand(), every_token()] {
        let issuer = issuer(&okta, introspection);
        let verifier = Verifier::builder().issuer(issuer).build().unwrap();
        let jwt = user(&okta).sign();
        assert_eq!(result_code(&verifier, &jwt).await, "missing_claim");
        let without_sub = user(&okta).claim("aud", "orders-api").sign();
        assert_eq!(result_code(&verifier, &without_sub).await, "missing_claim");
    }
    assert_eq!(calls(&okta), 0);
}

#[tokio::test]
async fn lightweight_token_takes_its_claims_from_the_response() {
    let okta = MockOkta::start().await;
    respond(&okta, &response(&okta));
    let verifier = verifier(&okta);
    let jwt = user(&okta).sign();
    // The second time the token and the response are cached.
    for _ in 0..2 {
        let token = verifier.verify(&jwt).await.unwrap();
        assert_eq!(
            (token.subject(), token.subject_kind()),
            ("a8589300", SubjectKind::User)
        );
        assert_eq!(token.client_id(), Some("web"));
        assert_eq!(token.audiences().collect::<Vec<_>>(), ["orders-api"]);
        assert!(token.has_scope("orders.read") && !token.has_scope("profile"));
        assert!(token.require(Policy::user()).is_ok());
    }
    assert_eq!(calls(&okta), 1);
}

#[tokio::test]
async fn lightweight_token_of_a_machine_is_that_of_a_service() {
    let okta = MockOkta::start().await;
    let token = || user(&okta).without("sid").claim("sub", "21476159");
    let machine = json!({
        "sid": null, "sub": "21476159",
        "preferred_username": "service-account-web", "username": "service-account-web",
    });
    assert_eq!(result_with(&okta, token(), machine).await, "ok");
    let token = verifier(&okta).verify(&token().sign()).await.unwrap();
    assert_eq!(
        (token.subject(), token.subject_kind()),
        ("21476159", SubjectKind::Service)
    );
}

#[tokio::test]
async fn lightweight_token_is_rejected_if_the_response_is_about_another_audience_or_token() {
    let okta = MockOkta::start().await;
    for (changes, expected) in [
        (json!({ "active": false }), "inactive"),
        (json!({ "aud": "other-api" }), "wrong_audience"),
        (json!({ "aud": [] }), "missing_claim"),
        (json!({ "aud": null }), "missing_claim"),
        (json!({ "sub": null }), "missing_claim"),
        (json!({ "sub": "" }), "missing_claim"),
        (json!({ "sid": "s2" }), "invalid_claim"),
        (
            json!({ "azp": "other", "client_id": "other" }),
            "invalid_claim",
        ),
        (json!({ "azp": "other" }), "invalid_claim"),
        (json!({ "jti": "onltro:2" }), "invalid_claim"),
        (json!({ "iss": "https://other.test" }), "unknown_issuer"),
        (json!({ "typ": "ID" }), "not_an_access_token"),
        (json!({ "exp": 1_000 }), "expired"),
        (json!({ "sid": null, "jti": null }), "ok"),
    ] {
        let code = result_with(&okta, user(&okta), changes.clone()).await;
        assert_eq!(code, expected, "{changes}");
    }
}

#[tokio::test]
async fn lightweight_token_keeps_its_own_client() {
    let okta = MockOkta::start().await;
    let mut without_client = response(&okta);
    let members = without_client.as_object_mut().unwrap();
    members.retain(|name, _| name != "azp" && name != "client_id");
    respond(&okta, &without_client);
    let token = verifier(&okta).verify(&user(&okta).sign()).await.unwrap();
    assert_eq!(token.client_id(), Some("web"));
}

#[tokio::test]
async fn lightweight_token_with_an_audience_is_not_widened_by_the_response() {
    let okta = MockOkta::start().await;
    let other = user(&okta).claim("aud", "other-api");
    assert_eq!(result_with(&okta, other, json!({})).await, "wrong_audience");
    assert_eq!(calls(&okta), 0);
    // Without `sub`, the response is needed, but the token's own `aud` counts.
    let issuer = issuer(&okta, on_demand())
        .lightweight_tokens()
        .audience("billing-api");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let mut wide = response(&okta);
    wide["aud"] = json!(["orders-api", "billing-api"]);
    respond(&okta, &wide);
    let jwt = user(&okta).claim("aud", ["orders-api"]).sign();
    let token = verifier.verify(&jwt).await.unwrap();
    assert_eq!(token.audiences().collect::<Vec<_>>(), ["orders-api"]);
}

#[tokio::test]
async fn lightweight_token_with_a_bad_signature_date_or_client_is_not_introspected() {
    let okta = MockOkta::start().await;
    respond(&okta, &response(&okta));
    let listed = issuer(&okta, every_token().tokens_with_unknown_keys()).lightweight_tokens();
    let verifier = Verifier::builder().issuer(listed).build().unwrap();
    assert_eq!(result_code(&verifier, &user(&okta).sign()).await, "ok");
    assert_eq!(calls(&okta), 1);
    for (token, expected) in [
        (user(&okta).foreign_key(), "bad_signature"),
        (user(&okta).unpublished_key(), "unknown_key_id"),
        (user(&okta).expired(), "expired"),
        (user(&okta).without("azp"), "missing_claim"),
        (user(&okta).claim("typ", "ID"), "not_an_access_token"),
        (
            user(&okta).claim("iss", "https://other.test"),
            "unknown_issuer",
        ),
    ] {
        assert_eq!(result_code(&verifier, &token.sign()).await, expected);
    }
    assert_eq!(calls(&okta), 1);
}

#[tokio::test]
async fn lightweight_token_is_unavailable_while_the_endpoint_fails() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Introspection, Fault::Status(503));
    let jwt = user(&okta).sign();
    assert_eq!(result_code(&verifier(&okta), &jwt).await, "unavailable");
}

#[tokio::test]
async fn lightweight_token_is_bound_as_the_token_or_the_response_says() {
    let okta = MockOkta::start().await;
    let issuer = || issuer(&okta, on_demand()).lightweight_tokens();
    let dpop = DpopSettings::base_url("https://api.example.com");
    let verifier = Verifier::builder()
        .issuer(issuer())
        .dpop(dpop)
        .build()
        .unwrap();
    let thumbprint = "JadxvpYrpysulz7vRXO45KdnUkkSKS8l0GgDsNPPrAw";
    let cnf = json!({ "jkt": thumbprint, "kc-jkt-type": "DPoP" });
    let mut bound = response(&okta);
    bound["cnf"] = cnf.clone();
    respond(&okta, &bound);
    // The token has no `cnf`, but the response has one.
    let authorization = format!("Bearer {}", user(&okta).sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let rejection = verifier.authenticate(&credentials).await.unwrap_err();
    assert_eq!(rejection.error().unwrap().code(), "bound_token_as_bearer");
    // Both have one, and they differ.
    let other = json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
    let jwt = user(&okta).claim("cnf", other).sign();
    assert_eq!(result_code(&verifier, &jwt).await, "invalid_claim");
    // The payload says that the token is bound, but the token has no key.
    let jwt = user(&okta).claim("typ", "DPoP").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "binding_unchecked");
}

#[test]
fn lightweight_tokens_need_keycloak_and_introspection() {
    let problem = |issuer: Issuer| {
        let built = Verifier::builder().issuer(issuer.any_client_id()).build();
        built.unwrap_err().to_string()
    };
    let keycloak = || Issuer::keycloak("https://keycloak.example/realms/acme", "orders-api");
    assert!(problem(keycloak().lightweight_tokens()).contains("add .introspection(..)"));
    let okta = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
    let okta = okta
        .introspection(Introspection::every_token(client()))
        .lightweight_tokens();
    assert!(problem(okta).contains("are a feature of Keycloak"));
    let one = keycloak()
        .any_client_id()
        .introspection(Introspection::on_demand(client()));
    let other = Issuer::keycloak("https://keycloak.example/realms/acme", "billing-api");
    let other = other
        .any_client_id()
        .introspection(Introspection::on_demand(client()));
    let twice = Verifier::builder()
        .issuer(one.lightweight_tokens())
        .issuer(other.lightweight_tokens());
    let problem = twice.build().unwrap_err().to_string();
    assert!(
        problem.contains("two entries accept tokens without an audience"),
        "{problem}"
    );
}
