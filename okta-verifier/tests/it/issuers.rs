//! Several issuers: selected by the exact `iss`, and replaced while the service runs.

use okta_verifier::{ConfigError, Issuer, Verifier};
use okta_verifier_testing::{MockOkta, TestIssuer};

use crate::support::mock_issuer::result_code;

const ALIAS: &str = "https://login.acme.test/oauth2/default";

fn test_issuer(name: &str) -> TestIssuer {
    TestIssuer::new("api://orders").at(format!("https://{name}.okta.test/oauth2/default"))
}

fn issuer(okta: &TestIssuer) -> Issuer {
    okta.issuer().any_client_id()
}

fn build(issuers: impl IntoIterator<Item = Issuer>) -> Result<Verifier, ConfigError> {
    let builder = issuers
        .into_iter()
        .fold(Verifier::builder(), okta_verifier::VerifierBuilder::issuer);
    builder.build()
}

#[tokio::test]
async fn issuers_that_are_removed_have_their_tokens_rejected() {
    let [acme, umbrella] = ["acme", "umbrella"].map(test_issuer);
    let verifier = build([issuer(&acme), issuer(&umbrella)]).unwrap();
    let (ada, bob) = (acme.token("ada").sign(), umbrella.token("bob").sign());
    for _ in 0..2 {
        assert_eq!(result_code(&verifier, &ada).await, "ok");
        assert_eq!(result_code(&verifier, &bob).await, "ok");
    }
    verifier.set_issuers([issuer(&umbrella)]).unwrap();
    assert_eq!(result_code(&verifier, &ada).await, "unknown_issuer");
    assert_eq!(result_code(&verifier, &bob).await, "ok");
    verifier.set_issuers([issuer(&acme)]).unwrap();
    assert_eq!(result_code(&verifier, &ada).await, "ok");
    assert_eq!(result_code(&verifier, &bob).await, "unknown_issuer");
}

#[tokio::test]
async fn issuers_with_changed_settings_apply_to_cached_tokens() {
    let okta = test_issuer("acme");
    let verifier = build([issuer(&okta)]).unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    let narrowed = [okta.issuer().client_id("0oaother")];
    verifier.set_issuers(narrowed).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "client_not_allowed");
}

#[tokio::test]
async fn issuers_that_are_invalid_leave_the_list_unchanged() {
    let okta = test_issuer("acme");
    let verifier = build([issuer(&okta)]).unwrap();
    let jwt = okta.token("ada").sign();
    let undecided = test_issuer("umbrella").issuer(); // no choice of clients
    for wrong in [vec![], vec![undecided], vec![issuer(&okta), issuer(&okta)]] {
        assert!(verifier.set_issuers(wrong).is_err());
        assert_eq!(result_code(&verifier, &jwt).await, "ok");
    }
}

#[tokio::test]
async fn issuers_that_stay_keep_their_keys_under_changed_settings() {
    let okta = MockOkta::start().await;
    let issuer = || okta.issuer("api://default");
    let verifier = build([issuer().any_client_id()]).unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    let other = test_issuer("umbrella");
    for issuers in [
        vec![issuer().any_client_id(), self::issuer(&other)],
        vec![issuer().any_client_id().groups_claim("teams")],
    ] {
        verifier.set_issuers(issuers).unwrap();
        assert_eq!(result_code(&verifier, &jwt).await, "ok");
        assert_eq!(okta.hits().keys, 1);
    }
    // An issuer that was removed and added again has no keys.
    verifier.set_issuers([self::issuer(&other)]).unwrap();
    verifier.set_issuers([issuer().any_client_id()]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    assert_eq!(okta.hits().keys, 2);
}

#[tokio::test]
async fn issuer_alias_is_compared_exactly_and_reported_as_the_issuer() {
    let okta = test_issuer("acme");
    let under = |iss: &str| okta.token("ada").claim("iss", iss).sign();
    let jwt = under(ALIAS);
    let verifier = build([issuer(&okta)]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "unknown_issuer");

    let verifier = build([issuer(&okta).also_known_as(ALIAS)]).unwrap();
    let token = verifier.verify(&jwt).await.unwrap();
    assert_eq!(token.issuer(), okta.issuer_url());
    assert_eq!(token.claim("iss").unwrap(), Some(ALIAS.to_owned()));
    for (iss, rejection) in [
        ("https://login.acme.test", "org_authorization_server"),
        ("https://login.acme.test/oauth2/default/", "unknown_issuer"),
        ("https://LOGIN.acme.test/oauth2/default", "unknown_issuer"),
        ("https://evil.test/oauth2/default", "unknown_issuer"),
    ] {
        assert_eq!(result_code(&verifier, &under(iss)).await, rejection);
    }
}

#[test]
fn issuer_alias_that_is_ambiguous_or_differs_beyond_its_host_is_a_config_error() {
    let okta = test_issuer("acme");
    for wrong in [
        "https://login.acme.test/oauth2/other",
        "https://login.acme.test",
        "http://login.acme.test/oauth2/default",
        "https://login.acme.test/oauth2/default?x",
        "login.acme.test",
    ] {
        assert!(
            build([issuer(&okta).also_known_as(wrong)]).is_err(),
            "{wrong}"
        );
    }
    let twice = [issuer(&okta).also_known_as(okta.issuer_url())];
    assert!(matches!(
        build(twice),
        Err(ConfigError::DuplicateIssuer { .. })
    ));
    let shared = ["acme", "umbrella"].map(|name| issuer(&test_issuer(name)).also_known_as(ALIAS));
    assert!(matches!(
        build(shared),
        Err(ConfigError::DuplicateIssuer { .. })
    ));
    let rfc9068 = TestIssuer::rfc9068("api://orders");
    assert!(build([issuer(&rfc9068).also_known_as(ALIAS)]).is_err());
}
