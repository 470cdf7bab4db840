//! Several issuers: found by the exact `iss`, replaced while the service runs.

use okta_verifier::{ConfigError, Issuer, Verifier};
use okta_verifier_testing::{MockOkta, TestIssuer};

use crate::mock::verdict;

const ALIAS: &str = "https://login.acme.test/oauth2/default";

fn tenant(name: &str) -> TestIssuer {
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
async fn what_an_issuer_accepted_is_refused_once_it_is_gone() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let verifier = build([issuer(&acme), issuer(&umbrella)]).unwrap();
    let (ada, bob) = (acme.token("ada").sign(), umbrella.token("bob").sign());
    for _ in 0..2 {
        assert_eq!(verdict(&verifier, &ada).await, "ok");
        assert_eq!(verdict(&verifier, &bob).await, "ok");
    }
    verifier.set_issuers([issuer(&umbrella)]).unwrap();
    assert_eq!(verdict(&verifier, &ada).await, "unknown_issuer");
    assert_eq!(verdict(&verifier, &bob).await, "ok");
    verifier.set_issuers([issuer(&acme)]).unwrap();
    assert_eq!(verdict(&verifier, &ada).await, "ok");
    assert_eq!(verdict(&verifier, &bob).await, "unknown_issuer");
}

#[tokio::test]
async fn a_remembered_token_is_judged_by_the_settings_of_today() {
    let okta = tenant("acme");
    let verifier = build([issuer(&okta)]).unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(verdict(&verifier, &jwt).await, "ok");
    let narrowed = [okta.issuer().client_id("0oaother")];
    verifier.set_issuers(narrowed).unwrap();
    assert_eq!(verdict(&verifier, &jwt).await, "client_not_allowed");
}

#[tokio::test]
async fn a_wrong_list_changes_nothing() {
    let okta = tenant("acme");
    let verifier = build([issuer(&okta)]).unwrap();
    let jwt = okta.token("ada").sign();
    let undecided = tenant("umbrella").issuer(); // about clients
    for wrong in [vec![], vec![undecided], vec![issuer(&okta), issuer(&okta)]] {
        assert!(verifier.set_issuers(wrong).is_err());
        assert_eq!(verdict(&verifier, &jwt).await, "ok");
    }
}

#[tokio::test]
async fn an_issuer_that_stays_keeps_its_keys_even_under_other_rules() {
    let okta = MockOkta::start().await;
    let issuer = || okta.issuer("api://default");
    let verifier = build([issuer().any_client_id()]).unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(verdict(&verifier, &jwt).await, "ok");
    let other = tenant("umbrella");
    for issuers in [
        vec![issuer().any_client_id(), self::issuer(&other)],
        vec![issuer().any_client_id().groups_claim("teams")],
    ] {
        verifier.set_issuers(issuers).unwrap();
        assert_eq!(verdict(&verifier, &jwt).await, "ok");
        assert_eq!(okta.hits().keys, 1);
    }
    // Gone and back, it begins anew.
    verifier.set_issuers([self::issuer(&other)]).unwrap();
    verifier.set_issuers([issuer().any_client_id()]).unwrap();
    assert_eq!(verdict(&verifier, &jwt).await, "ok");
    assert_eq!(okta.hits().keys, 2);
}

#[tokio::test]
async fn an_alias_is_accepted_to_the_letter_and_says_the_issuer_s_name() {
    let okta = tenant("acme");
    let under = |iss: &str| okta.token("ada").claim("iss", iss).sign();
    let jwt = under(ALIAS);
    let verifier = build([issuer(&okta)]).unwrap();
    assert_eq!(verdict(&verifier, &jwt).await, "unknown_issuer");

    let verifier = build([issuer(&okta).also_known_as(ALIAS)]).unwrap();
    let token = verifier.verify(&jwt).await.unwrap();
    assert_eq!(token.issuer(), okta.issuer_url());
    assert_eq!(token.claim("iss").unwrap(), Some(ALIAS.to_owned()));
    for (iss, refusal) in [
        ("https://login.acme.test", "org_authorization_server"),
        ("https://login.acme.test/oauth2/default/", "unknown_issuer"),
        ("https://LOGIN.acme.test/oauth2/default", "unknown_issuer"),
        ("https://evil.test/oauth2/default", "unknown_issuer"),
    ] {
        assert_eq!(verdict(&verifier, &under(iss)).await, refusal);
    }
}

#[test]
fn an_alias_differs_in_its_host_only_and_stands_for_one_issuer() {
    let okta = tenant("acme");
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
    let shared = ["acme", "umbrella"].map(|name| issuer(&tenant(name)).also_known_as(ALIAS));
    assert!(matches!(
        build(shared),
        Err(ConfigError::DuplicateIssuer { .. })
    ));
    let rfc9068 = TestIssuer::rfc9068("api://orders");
    assert!(build([issuer(&rfc9068).also_known_as(ALIAS)]).is_err());
}
