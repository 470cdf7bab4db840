//! Several audiences of one issuer, in one entry and in several.

use okta_verifier::{
    Issuer, Verifier,
    adapter::{Mount, RequestCredentials},
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta, TestIssuer};

use crate::support::mock_issuer::result_code;

fn okta() -> TestIssuer {
    TestIssuer::new("api://orders")
}

/// Returns an entry with the keys of `okta`, for this audience and client.
fn entry(okta: &TestIssuer, audience: &str, client: &str) -> Issuer {
    let issuer = Issuer::okta(okta.issuer_url(), audience).keys(okta.jwks());
    issuer.client_id(client)
}

fn token(okta: &TestIssuer, aud: impl serde::Serialize, client: &str) -> String {
    okta.token("ada").claim("aud", aud).client_id(client).sign()
}

#[tokio::test]
async fn audience_that_no_entry_has_is_rejected() {
    let okta = okta();
    let verifier = Verifier::builder()
        .issuer(entry(&okta, "api://orders", "web"))
        .issuer(entry(&okta, "api://billing", "job"))
        .build()
        .unwrap();
    for aud in ["api://other", "", "api://orders ", "API://billing"] {
        let code = result_code(&verifier, &token(&okta, aud, "web")).await;
        assert_eq!(code, "wrong_audience", "{aud:?}");
    }
}

#[tokio::test]
async fn audience_selects_the_entry_whose_settings_apply() {
    let okta = okta();
    let verifier = Verifier::builder()
        .issuer(entry(&okta, "api://orders", "web"))
        .issuer(entry(&okta, "api://billing", "job"))
        .build()
        .unwrap();
    for (aud, client, expected) in [
        ("api://orders", "web", "ok"),
        ("api://orders", "job", "client_not_allowed"),
        ("api://billing", "job", "ok"),
        ("api://billing", "web", "client_not_allowed"),
    ] {
        // The second time the token may be cached.
        for _ in 0..2 {
            let code = result_code(&verifier, &token(&okta, aud, client)).await;
            assert_eq!(code, expected, "{aud} {client}");
        }
    }
}

#[tokio::test]
async fn audience_of_two_entries_in_one_token_is_rejected() {
    let okta = okta();
    let verifier = Verifier::builder()
        .issuer(entry(&okta, "api://orders", "web"))
        .issuer(entry(&okta, "api://billing", "web"))
        .build()
        .unwrap();
    let both = token(&okta, ["api://orders", "api://billing"], "web");
    assert_eq!(result_code(&verifier, &both).await, "wrong_audience");
    // Other audiences do not matter.
    let one = token(&okta, ["api://other", "api://billing"], "web");
    assert_eq!(result_code(&verifier, &one).await, "ok");
    // The reason is that of a token with a good signature only.
    let forged = okta.token("ada").foreign_key().sign();
    assert_eq!(result_code(&verifier, &forged).await, "bad_signature");
}

#[tokio::test]
async fn audience_of_an_entry_that_is_added_rejects_a_cached_token_for_both() {
    let okta = okta();
    let orders = || entry(&okta, "api://orders", "web");
    let verifier = Verifier::builder().issuer(orders()).build().unwrap();
    let both = token(&okta, ["api://orders", "api://billing"], "web");
    let one = token(&okta, "api://orders", "web");
    assert_eq!(result_code(&verifier, &both).await, "ok"); // and now it is cached
    assert_eq!(result_code(&verifier, &one).await, "ok");
    let issuers = [orders(), entry(&okta, "api://billing", "web")];
    verifier.set_issuers(issuers).unwrap();
    assert_eq!(result_code(&verifier, &both).await, "wrong_audience");
    assert_eq!(result_code(&verifier, &one).await, "ok");
}

#[test]
fn audience_in_two_entries_does_not_build() {
    let okta = okta();
    let build = |one: Issuer, two: Issuer| Verifier::builder().issuer(one).issuer(two).build();
    let text = |one, two| build(one, two).unwrap_err().to_string();
    let orders = || entry(&okta, "api://orders", "web");
    let expected =
        r#"two entries have the audience "api://orders"; write each audience in one entry"#;
    assert!(text(orders(), orders()).ends_with(expected));
    let more = entry(&okta, "api://billing", "job").audience("api://orders");
    assert!(text(orders(), more).ends_with(expected));
    let twice = orders().audience("api://orders");
    let error = Verifier::builder().issuer(twice).build().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("an audience is written twice; remove one of them")
    );
    let empty = orders().audience("");
    assert!(Verifier::builder().issuer(empty).build().is_err());
    let many = (0..64).fold(orders(), |issuer, number| {
        issuer.audience(format!("api://{number}"))
    });
    assert!(Verifier::builder().issuer(many).build().is_err());
    let most = (0..63).fold(orders(), |issuer, number| {
        issuer.audience(format!("api://{number}"))
    });
    assert!(Verifier::builder().issuer(most).build().is_ok());
}

#[tokio::test]
async fn audiences_of_a_token_are_those_that_the_settings_accept() {
    let okta = okta();
    let issuer = entry(&okta, "api://orders", "web")
        .audience("api://billing")
        .audience("api://stock");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let jwt = token(&okta, ["api://other", "api://stock", "api://orders"], "web");
    let verified = verifier.verify(&jwt).await.unwrap();
    let audiences: Vec<_> = verified.audiences().collect();
    assert_eq!(audiences, ["api://orders", "api://stock"]);
    assert!(!verified.has_audience("api://other") && !verified.has_audience("api://billing"));
    assert!(verified.has_audience("api://stock"));
}

#[tokio::test]
async fn audience_of_a_route_is_checked_for_cached_and_waiting_requests_too() {
    let okta = MockOkta::start().await;
    let issuer = okta
        .issuer("api://default")
        .audience("api://billing")
        .any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let authorization = format!("Bearer {}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let other = Mount::new(verifier.clone()).audience("api://billing");
    let own = Mount::new(verifier).audience("api://default");
    // The first request waits for the keys, and the second finds the token in the cache.
    for _ in 0..2 {
        let rejection = other.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.error().unwrap().code(), "wrong_audience");
        assert_eq!(rejection.status(), 401);
        assert!(own.authenticate(&credentials).await.is_ok());
    }
}

#[tokio::test]
async fn entries_of_one_issuer_fetch_its_keys_once() {
    let okta = MockOkta::start().await;
    let entry = |audience| okta.issuer(audience).any_client_id();
    let verifier = Verifier::builder()
        .issuer(entry("api://default"))
        .issuer(entry("api://billing"))
        .build()
        .unwrap();
    let orders = okta.token("ada").sign();
    let billing = okta.token("ada").audience("api://billing").sign();
    assert_eq!(result_code(&verifier, &orders).await, "ok");
    assert_eq!(result_code(&verifier, &billing).await, "ok");
    assert_eq!(okta.hits().keys, 1);
    assert_eq!(verifier.key_snapshots().len(), 1);
    // If one entry is removed, the other keeps its keys.
    verifier.set_issuers([entry("api://billing")]).unwrap();
    assert_eq!(result_code(&verifier, &orders).await, "wrong_audience");
    assert_eq!(result_code(&verifier, &billing).await, "ok");
    assert_eq!(okta.hits().keys, 1);
}

#[tokio::test]
async fn audience_of_a_route_is_checked_before_a_token_is_introspected() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = okta.issuer("api://default").audience("api://billing");
    let issuer = issuer.introspection(Introspection::every_token(client));
    let verifier = Verifier::builder()
        .issuer(issuer.any_client_id())
        .build()
        .unwrap();
    let authorization = format!("Bearer {}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let billing = Mount::new(verifier.clone()).audience("api://billing");
    let rejection = billing.authenticate(&credentials).await;
    assert_eq!(
        rejection.unwrap_err().error().unwrap().code(),
        "wrong_audience"
    );
    assert_eq!(okta.hits().introspection, 0);
    let default = Mount::new(verifier).audience("api://default");
    let accepted = default.authenticate(&credentials).await;
    assert!(accepted.is_ok());
    assert_eq!(okta.hits().introspection, 1);
}
