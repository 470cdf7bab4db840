//! How we say who we are, and what the question looks like.

use std::time::Duration;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use okta_verifier::{
    ClientAuthentication, ConfigError, Introspection, IntrospectionState, Issuer,
    UnavailableReason, Verifier,
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, MockOkta};
use serde_json::Value;

use super::{calls, client, opaque_tokens, with};
use crate::mock::{issuer, trouble, verdict, within};

fn pem() -> String {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(key.unwrap().as_ref());
    secret_scan::secret(&text);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----")
}

// conformance 101, 115
#[tokio::test]
async fn the_question_is_a_form_and_nothing_else() {
    let okta = MockOkta::start().await;
    let verifier = with(&okta, opaque_tokens());
    let token = okta.opaque_token("ada").sign();
    assert_eq!(verdict(&verifier, &token).await, "ok");
    let received = okta.received(Endpoint::Introspection);
    let [question] = &received[..] else {
        panic!("{} questions", received.len());
    };
    assert_eq!(question.method, "POST");
    assert_eq!(
        question.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(question.header("accept"), Some("application/json"));
    assert_eq!(question.header("cookie"), None);
    assert_eq!(question.parameter("token").as_deref(), Some(&*token));
    assert_eq!(
        question.parameter("token_type_hint").as_deref(),
        Some("access_token")
    );
    assert_eq!(question.parameter("client_id"), None);
    assert_eq!(question.parameter("client_secret"), None);
}

// conformance 102, 103
#[tokio::test]
async fn each_way_to_say_who_we_are_is_understood() {
    let okta = MockOkta::start().await;
    let token = okta.opaque_token("ada").sign();
    let ask = async |client: ClientAuthentication| {
        let verifier = with(&okta, Introspection::opaque_tokens(client));
        verdict(&verifier, &token).await
    };
    for secret in [CLIENT_SECRET, "a:b%c+d é&=\"", "%41", "100 %"] {
        okta.set_client(CLIENT_ID, secret);
        for client in [
            ClientAuthentication::client_secret_basic(CLIENT_ID, secret),
            ClientAuthentication::client_secret_post(CLIENT_ID, secret),
        ] {
            assert_eq!(ask(client).await, "ok", "{secret}");
        }
    }
    okta.set_client("0oa:1", "s:1");
    let with_colons = ClientAuthentication::client_secret_basic("0oa:1", "s:1");
    assert_eq!(ask(with_colons).await, "ok");
    okta.set_client(CLIENT_ID, CLIENT_SECRET);
    let public = || ClientAuthentication::none(CLIENT_ID);
    assert_eq!(ask(public()).await, "unavailable");
    okta.set_public_client(true);
    assert_eq!(ask(public()).await, "ok");
}

// conformance 102
#[tokio::test]
async fn an_assertion_is_made_anew_for_each_question() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::private_key_jwt(CLIENT_ID, Some("2026"), pem());
    let verifier = with(&okta, Introspection::opaque_tokens(client));
    for _ in 0..2 {
        // The server takes each jti once.
        assert_eq!(
            verdict(&verifier, &okta.opaque_token("ada").sign()).await,
            "ok"
        );
    }
    let questions = okta.received(Endpoint::Introspection);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let assertions: Vec<_> = questions.iter().map(|it| it.assertion().unwrap()).collect();
    for ((header, claims), question) in assertions.iter().zip(&questions) {
        assert_eq!(question.header("authorization"), None);
        assert_eq!(read(header)["kid"], "2026");
        assert_eq!(
            read(claims)["aud"],
            format!("{}/v1/introspect", okta.issuer_url())
        );
    }
    assert_ne!(read(&assertions[0].1)["jti"], read(&assertions[1].1)["jti"]);
}

// conformance 107
#[tokio::test]
async fn our_own_wrong_secret_is_ours_to_repair() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, "wrong");
    let verifier = with(&okta, Introspection::opaque_tokens(client));
    let opaque = okta.opaque_token("ada").sign();
    for token in [&opaque, &okta.opaque_token("bob").sign()] {
        let source = trouble(&verifier, token).await;
        assert!(
            matches!(source, UnavailableReason::CredentialsRefused),
            "{source}"
        );
    }
    let health = verifier.health();
    let introspection = health[0].introspection().unwrap();
    // Strangers may have invented the two tokens, so that they prove nothing about the secret.
    assert!(matches!(
        introspection.state,
        IntrospectionState::Unavailable { .. }
    ));
    assert!(matches!(
        introspection.last_error,
        Some(UnavailableReason::CredentialsRefused)
    ));
    // What needs no question is decided all the same.
    assert_eq!(verdict(&verifier, &okta.token("ada").sign()).await, "ok");
    okta.set_client(CLIENT_ID, "wrong");
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while verdict(&verifier, &opaque).await != "ok" {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let health = verifier.health();
    assert_eq!(
        health[0].introspection().unwrap().state,
        IntrospectionState::Available
    );
}

// conformance 102
#[test]
fn wrong_settings_are_found_at_the_start() {
    let okta =
        || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    let with_secret = |id: &str, secret: &str| {
        Introspection::every_token(ClientAuthentication::client_secret_basic(id, secret))
    };
    let good = || with_secret("0oa1", "secret");
    for (introspection, says) in [
        (with_secret("0oa1", ""), "client secret is empty"),
        (with_secret("", "secret"), "client ID is empty"),
        (
            Introspection::every_token(ClientAuthentication::private_key_jwt(
                "0oa1", None, "secret",
            )),
            "PKCS#8",
        ),
        (good().endpoint("introspect"), "absolute URL"),
        (good().endpoint("http://acme.okta.com/introspect"), "https"),
        (good().endpoint("http://127.0.0.1/introspect"), "https"),
        (
            good().endpoint("https://u:p@acme.okta.com/introspect"),
            "user name",
        ),
        (good().max_in_flight(0), "4 to 32"),
        (good().max_age(Duration::from_secs(3_601)), "1 h"),
    ] {
        let error = Verifier::builder()
            .issuer(okta().introspection(introspection))
            .build()
            .unwrap_err();
        assert!(matches!(error, ConfigError::Introspection { .. }));
        let text = error.to_string();
        assert!(text.contains(says), "{text}");
        assert!(
            !text.contains("secret\"") && !text.contains("u:p"),
            "{text}"
        );
    }
    let issuer = okta().introspection(good().endpoint("https://other.example.com/introspect"));
    assert!(Verifier::builder().issuer(issuer).build().is_ok());
}

#[tokio::test]
async fn a_given_endpoint_is_asked_and_no_metadata() {
    let okta = MockOkta::start().await;
    let endpoint = format!("{}/v1/introspect", okta.issuer_url());
    let introspection = Introspection::opaque_tokens(client()).endpoint(endpoint);
    let verifier = within(
        Duration::from_secs(10),
        issuer(&okta).introspection(introspection),
    );
    assert_eq!(
        verdict(&verifier, &okta.opaque_token("ada").sign()).await,
        "ok"
    );
    assert_eq!(
        (calls(&okta), okta.hits().discovery, okta.hits().keys),
        (1, 0, 0)
    );
}
