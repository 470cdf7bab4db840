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
}

// field kind C
#[test]
fn issuer_alias_of_another_profile_that_is_not_another_issuer_url_is_a_config_error() {
    let inside = "https://keycloak.test:8443/realms/acme";
    let other = |url: &str| Issuer::rfc9068(url, "api://orders").any_client_id();
    for wrong in [
        inside, // the issuer itself
        "",
        "sso.acme.test/realms/acme",
        "http://sso.acme.test/realms/acme",
        "http://keycloak.test:8443/realms/acme",
        "https://sso.acme.test/realms/acme ",
        "https://sso.acme.test/realms/acme?x",
        "https://sso.acme.test/realms/acme#x",
        "https://ada@sso.acme.test/realms/acme",
        "https://sso.acme.test/.well-known/openid-configuration",
        "https://acme.okta.com",
    ] {
        let built = build([other(inside).also_known_as(wrong)]);
        assert!(built.is_err(), "{wrong}");
    }
    // No two issuers have a name in common.
    let outside = "https://sso.acme.test/realms/acme";
    for issuers in [
        [other(inside).also_known_as(outside), other(outside)],
        [other(outside), other(inside).also_known_as(outside)],
        [inside, "https://idp.test"].map(|url| other(url).also_known_as(outside)),
    ] {
        let error = build(issuers).unwrap_err();
        assert!(matches!(error, ConfigError::DuplicateIssuer { .. }));
    }
    for accepted in [
        outside,
        "https://keycloak.test:8443/realms/acme/",
        "https://keycloak.test/realms/acme",
        "http://localhost:8080/realms/acme",
    ] {
        assert!(build([other(inside).also_known_as(accepted)]).is_ok());
    }
}

// field kind C
#[tokio::test]
async fn issuer_alias_of_another_profile_is_compared_exactly() {
    let outside = "https://sso.acme.test/realms/acme";
    let keycloak = TestIssuer::rfc9068("api://orders").at("https://keycloak.test/realms/acme");
    let under = |iss: &str| keycloak.token("ada").claim("iss", iss).sign();
    let verifier = build([issuer(&keycloak)]).unwrap();
    assert_eq!(
        result_code(&verifier, &under(outside)).await,
        "unknown_issuer"
    );
    let verifier = build([issuer(&keycloak).also_known_as(outside)]).unwrap();
    for other in [
        "https://sso.acme.test/realms/acme/",
        "https://sso.acme.test/realms/other",
        "https://SSO.acme.test/realms/acme",
        "https://sso.acme.test",
    ] {
        assert_eq!(
            result_code(&verifier, &under(other)).await,
            "unknown_issuer"
        );
    }
    let token = verifier.verify(&under(outside)).await.unwrap();
    assert_eq!(token.issuer(), keycloak.issuer_url());
    let own = under(keycloak.issuer_url());
    assert_eq!(result_code(&verifier, &own).await, "ok");
}

#[tokio::test]
async fn issuers_with_keys_of_another_place_fetch_them_again() {
    let okta = MockOkta::start().await;
    let issuer = || okta.issuer("api://default").any_client_id();
    let verifier = build([issuer()]).unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    let keys = format!("{}/v1/keys", okta.issuer_url());
    let metadata = format!("{}/.well-known/openid-configuration", okta.issuer_url());
    for (fetches, changed) in [
        issuer().jwks_uri(&keys),
        issuer().jwks_uri(format!("{keys}?client_id=1")),
        issuer().metadata_url(&metadata),
        issuer()
            .metadata_url(&metadata)
            .allow_insecure_origin("http://keycloak:8080"),
        issuer(),
    ]
    .into_iter()
    .enumerate()
    {
        verifier.set_issuers([changed.clone()]).unwrap();
        assert_eq!(result_code(&verifier, &jwt).await, "ok");
        assert_eq!(okta.hits().keys, fetches + 2);
        // Other settings leave the keys as they are.
        let leeway = std::time::Duration::from_secs(30);
        verifier.set_issuers([changed.leeway(leeway)]).unwrap();
        assert_eq!(result_code(&verifier, &jwt).await, "ok");
        assert_eq!(okta.hits().keys, fetches + 2);
    }
}
