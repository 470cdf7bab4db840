//! Client authentication at the introspection endpoint, and the form of the request.

use std::time::Duration;

use okta_verifier::{
    ConfigError, Issuer, Verifier,
    error::UnavailableReason,
    health::IntrospectionState,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, MockOkta};
use serde_json::Value;

use super::{calls, client, opaque_tokens, verifier_with};
use crate::support::{
    mock_issuer::{AUDIENCE, build, issuer, result_code, unavailable_reason},
    private_key::pem,
    raw_server::{Server, ok},
};

// conformance 101, 115
#[tokio::test]
async fn introspection_request_is_a_form_with_fixed_parameters() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, opaque_tokens());
    let token = okta.opaque_token("ada").sign();
    assert_eq!(result_code(&verifier, &token).await, "ok");
    let received = okta.received(Endpoint::Introspection);
    let [request] = &received[..] else {
        panic!("{} requests", received.len());
    };
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("cookie"), None);
    assert_eq!(request.parameter("token").as_deref(), Some(&*token));
    assert_eq!(
        request.parameter("token_type_hint").as_deref(),
        Some("access_token")
    );
    assert_eq!(request.parameter("client_id"), None);
    assert_eq!(request.parameter("client_secret"), None);
}

// conformance 102, 103
#[tokio::test]
async fn client_authentication_of_every_method_is_accepted() {
    let okta = MockOkta::start().await;
    let token = okta.opaque_token("ada").sign();
    let introspect = async |client: ClientAuthentication| {
        let verifier = verifier_with(&okta, Introspection::opaque_tokens(client));
        result_code(&verifier, &token).await
    };
    for secret in [CLIENT_SECRET, "a:b%c+d é&=\"", "%41", "100 %"] {
        okta.set_client(CLIENT_ID, secret);
        for client in [
            ClientAuthentication::client_secret_basic(CLIENT_ID, secret),
            ClientAuthentication::client_secret_post(CLIENT_ID, secret),
        ] {
            assert_eq!(introspect(client).await, "ok", "{secret}");
        }
    }
    okta.set_client("0oa:1", "s:1");
    let with_colons = ClientAuthentication::client_secret_basic("0oa:1", "s:1");
    assert_eq!(introspect(with_colons).await, "ok");
    okta.set_client(CLIENT_ID, CLIENT_SECRET);
    let public = || ClientAuthentication::none(CLIENT_ID);
    assert_eq!(introspect(public()).await, "unavailable");
    okta.set_public_client(true);
    assert_eq!(introspect(public()).await, "ok");
}

// conformance 102
#[tokio::test]
async fn client_authentication_that_is_anonymous_sends_no_client() {
    let anonymous = || Introspection::opaque_tokens(ClientAuthentication::anonymous());
    let okta = MockOkta::start().await;
    let refused = Verifier::builder()
        .issuer(issuer(&okta).introspection(anonymous()))
        .build();
    let Err(error @ ConfigError::Introspection { .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("needs .endpoint(..)"), "{error}");

    let endpoint = format!("{}/v1/introspect", okta.issuer_url());
    let verifier = verifier_with(&okta, anonymous().endpoint(endpoint));
    let token = okta.opaque_token("ada").sign();
    // This endpoint requires a client.
    let error = unavailable_reason(&verifier, &token).await;
    assert!(
        matches!(error, UnavailableReason::CredentialsRefused),
        "{error}"
    );
    let request = okta.received(Endpoint::Introspection).remove(0);
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.parameter("token").as_deref(), Some(&*token));
    for parameter in [
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
    ] {
        assert_eq!(request.parameter(parameter), None, "{parameter}");
    }
}

// conformance 102
#[tokio::test]
async fn client_authentication_that_is_anonymous_is_accepted_by_an_open_endpoint() {
    let okta = MockOkta::start().await;
    let admin = Server::http(|_, path| match path {
        "/admin/oauth2/introspect" => {
            let body = format!(
                r#"{{"active":true,"sub":"ada","client_id":"{CLIENT_ID}","aud":["{AUDIENCE}"],"token_type":"Bearer","token_use":"access_token"}}"#
            );
            ok("content-type: application/json\r\n", body)
        }
        _ => b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
    });
    let endpoint = admin
        .issuer_url()
        .replace("/oauth2/default", "/admin/oauth2/introspect");
    let anonymous = Introspection::opaque_tokens(ClientAuthentication::anonymous());
    let verifier = verifier_with(&okta, anonymous.endpoint(endpoint));
    assert_eq!(result_code(&verifier, "ory_at_opaque").await, "ok");
    let [request] = &admin.requests()[..] else {
        panic!("one request");
    };
    assert!(request.starts_with("POST /admin/oauth2/introspect "));
    assert!(!request.to_ascii_lowercase().contains("authorization"));
}

// conformance 102
#[tokio::test]
async fn client_authentication_assertion_is_new_for_each_request() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::private_key_jwt(CLIENT_ID, Some("2026"), pem());
    let verifier = verifier_with(&okta, Introspection::opaque_tokens(client));
    for _ in 0..2 {
        // The server accepts each jti once.
        assert_eq!(
            result_code(&verifier, &okta.opaque_token("ada").sign()).await,
            "ok"
        );
    }
    let requests = okta.received(Endpoint::Introspection);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let assertions: Vec<_> = requests.iter().map(|it| it.assertion().unwrap()).collect();
    for ((header, claims), request) in assertions.iter().zip(&requests) {
        assert_eq!(request.header("authorization"), None);
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
async fn client_authentication_with_a_wrong_secret_is_503() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, "wrong");
    let verifier = verifier_with(&okta, Introspection::opaque_tokens(client));
    let opaque = okta.opaque_token("ada").sign();
    for token in [&opaque, &okta.opaque_token("bob").sign()] {
        let source = unavailable_reason(&verifier, token).await;
        assert!(
            matches!(source, UnavailableReason::CredentialsRefused),
            "{source}"
        );
    }
    let health = verifier.health();
    let introspection = health[0].introspection().unwrap();
    // An attacker may have invented the two tokens, so they do not prove that the secret is right.
    assert!(matches!(
        introspection.state,
        IntrospectionState::Unavailable { .. }
    ));
    assert!(matches!(
        introspection.last_error,
        Some(UnavailableReason::CredentialsRefused)
    ));
    // A token that needs no introspection is still accepted.
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
    okta.set_client(CLIENT_ID, "wrong");
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while result_code(&verifier, &opaque).await != "ok" {
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
fn introspection_settings_that_are_invalid_are_a_config_error() {
    let okta =
        || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    let with_secret = |id: &str, secret: &str| {
        Introspection::every_token(ClientAuthentication::client_secret_basic(id, secret))
    };
    let valid = || with_secret("0oa1", "secret");
    for (introspection, expected) in [
        (with_secret("0oa1", ""), "client secret is empty"),
        (with_secret("", "secret"), "client ID is empty"),
        (
            Introspection::every_token(ClientAuthentication::private_key_jwt(
                "0oa1", None, "secret",
            )),
            "PKCS#8",
        ),
        (valid().endpoint("introspect"), "absolute URL"),
        (valid().endpoint("http://acme.okta.com/introspect"), "https"),
        (valid().endpoint("http://127.0.0.1/introspect"), "https"),
        (
            valid().endpoint("https://u:p@acme.okta.com/introspect"),
            "user name",
        ),
        (valid().max_in_flight(0), "4 to 32"),
        (
            valid().rate_limit(0, 32),
            "introspection: rate_limit: per_second is 0; write 1 to 1000",
        ),
        (
            valid().rate_limit(16, 3),
            "introspection: rate_limit: burst is 3; write 4 to 1000",
        ),
        (
            valid().unverified_rate_limit(1_001, 32),
            "introspection: unverified_rate_limit: per_second is 1001; write 1 to 1000",
        ),
        (
            valid().unverified_rate_limit(16, 1_001),
            "introspection: unverified_rate_limit: burst is 1001; write 4 to 1000",
        ),
        (valid().max_age(Duration::from_secs(3_601)), "1 h"),
    ] {
        let error = Verifier::builder()
            .issuer(okta().introspection(introspection))
            .build()
            .unwrap_err();
        assert!(matches!(error, ConfigError::Introspection { .. }));
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(
            !text.contains("secret\"") && !text.contains("u:p"),
            "{text}"
        );
    }
    let issuer = okta().introspection(valid().endpoint("https://other.example.com/introspect"));
    assert!(Verifier::builder().issuer(issuer).build().is_ok());
}

#[tokio::test]
async fn introspection_endpoint_that_is_configured_needs_no_metadata() {
    let okta = MockOkta::start().await;
    let endpoint = format!("{}/v1/introspect", okta.issuer_url());
    let introspection = Introspection::opaque_tokens(client()).endpoint(endpoint);
    let verifier = build(issuer(&okta).introspection(introspection));
    assert_eq!(
        result_code(&verifier, &okta.opaque_token("ada").sign()).await,
        "ok"
    );
    assert_eq!(
        (calls(&okta), okta.hits().discovery, okta.hits().keys),
        (1, 0, 0)
    );
}
