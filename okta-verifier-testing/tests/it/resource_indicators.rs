//! The parameter `resource` of authorization and token requests (RFC 8707).

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
use serde_json::{Value, json};

use crate::authorization::{URI, VERIFIER, authorize, code, encoded, redirected, with};
use crate::http::{Reply, basic, post};
use crate::jose::parts;

const FILES: &str = "https://mcp.example.com/files";
const MAIL: &str = "https://mcp.example.com/mail";

async fn start() -> MockOkta {
    let okta = MockOkta::start().await;
    okta.set_resources([FILES, MAIL]);
    okta
}

async fn token(okta: &MockOkta, parameters: &[(&str, &str)]) -> Reply {
    let owned: Vec<_> = parameters
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    post(okta, &basic(CLIENT_ID, CLIENT_SECRET), &encoded(&owned)).await
}

async fn exchange(okta: &MockOkta, code: &str, resource: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", URI),
        ("code_verifier", VERIFIER),
        ("resource", resource),
    ];
    token(okta, &form).await
}

fn audience(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200);
    parts(reply.json()["access_token"].as_str().unwrap()).payload["aud"].clone()
}

fn assert_invalid_target(reply: &Reply) {
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("invalid_target"))
    );
}

#[tokio::test]
async fn resource_that_is_unknown_is_rejected() {
    let okta = start().await;
    for resource in [
        "https://mcp.example.com/files/",
        "https://evil.test/",
        "files",
    ] {
        let reply = authorize(&okta, &with("resource", resource)).await;
        assert_eq!(
            redirected(&reply, "error").as_deref(),
            Some("invalid_target"),
            "{resource}"
        );
        assert_eq!(redirected(&reply, "code"), None);
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "a"),
            ("resource", resource),
        ];
        assert_invalid_target(&token(&okta, &form).await);
    }
}

#[tokio::test]
async fn resource_of_the_token_request_must_be_that_of_the_authorization_request() {
    let okta = start().await;
    let granted = code(&okta, &with("resource", FILES)).await;
    assert_invalid_target(&exchange(&okta, &granted, MAIL).await);
    // It was not part of the authorization request.
    let granted = code(&okta, &with("state", "s")).await;
    assert_invalid_target(&exchange(&okta, &granted, FILES).await);

    let mut parameters = with("resource", FILES);
    parameters.retain(|(name, _)| *name != "scope");
    parameters.push(("scope", "offline_access".to_owned()));
    let granted = code(&okta, &parameters).await;
    let first = exchange(&okta, &granted, FILES).await;
    assert_eq!(audience(&first), FILES);
    let first = first.json();
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_invalid_target(&token(&okta, &[&form[..], &[("resource", MAIL)]].concat()).await);
    assert_eq!(audience(&token(&okta, &form).await), FILES);
}

#[tokio::test]
async fn resource_becomes_the_audience() {
    let okta = start().await;
    let granted = code(&okta, &with("resource", MAIL)).await;
    let reply = exchange(&okta, &granted, "").await;
    assert_eq!(audience(&reply), MAIL);
    // The audience of an ID token is the client.
    let reply = reply.json();
    let id_token = parts(reply["id_token"].as_str().unwrap()).payload;
    assert_eq!(id_token["aud"], CLIENT_ID);
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "a"),
        ("resource", FILES),
    ];
    assert_eq!(audience(&token(&okta, &form).await), FILES);
    let without = code(&okta, &with("state", "s")).await;
    assert_eq!(
        audience(&exchange(&okta, &without, "").await),
        "api://default"
    );
}

#[tokio::test]
async fn resource_is_ignored_by_default() {
    let okta = MockOkta::start().await;
    let granted = code(&okta, &with("resource", FILES)).await;
    assert_eq!(
        audience(&exchange(&okta, &granted, MAIL).await),
        "api://default"
    );
}
