//! The claims that Keycloak writes, without the library. If a later version of Keycloak differs, these tests say what the
//! others depend on.

use live::jwt;
use live::keycloak::{API, CLIENT_ROLE, REALM_ROLE, RESOURCE, SCOPE};
use serde_json::{Value, json};

use crate::shop;

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn plain_tokens_say_bearer_and_name_the_client_in_azp() {
    let scope = format!("openid {SCOPE}");
    let tokens = shop().grant("web").with("scope", &scope).user("ada");
    let user = jwt::claims(&tokens.access);
    assert_eq!(jwt::header(&tokens.access)["typ"], "JWT");
    assert_eq!(user["typ"], "Bearer");
    assert_eq!(user["azp"], "web");
    assert!(user["client_id"].is_null());
    assert!(user["sid"].is_string());
    assert_eq!(user["preferred_username"], "ada");
    let scopes = user["scope"].as_str().expect("text");
    assert!(scopes.split(' ').any(|scope| scope == SCOPE), "{scopes}");
    let realm_roles = user["realm_access"]["roles"].as_array().expect("a list");
    assert!(realm_roles.contains(&json!(REALM_ROLE)));
    assert_eq!(user["resource_access"][API]["roles"], json!([CLIENT_ROLE]));
    let audience = user["aud"].as_array().expect("a list");
    assert!(audience.contains(&json!(API)));

    let machine = jwt::claims(&shop().grant("web").machine().access);
    assert_eq!(machine["typ"], "Bearer");
    assert_eq!(machine["client_id"], "web");
    assert_eq!(machine["acr"], "1"); // not evidence of a user
    assert!(machine["sid"].is_null());
    assert_eq!(machine["preferred_username"], "service-account-web");

    let id_token = jwt::claims(tokens.token("id_token"));
    assert_eq!(id_token["typ"], "ID");
    let refresh_token = jwt::claims(tokens.token("refresh_token"));
    assert_eq!(refresh_token["typ"], "Refresh");
    assert_eq!(refresh_token["aud"], shop().issuer());
}

#[test]
fn lightweight_tokens_have_few_claims() {
    let user = jwt::claims(&shop().grant("lightweight").user("ada").access);
    assert_eq!(
        names(&user),
        ["azp", "exp", "iat", "iss", "jti", "scope", "sid", "typ"]
    );
    let machine = jwt::claims(&shop().grant("lightweight").machine().access);
    assert_eq!(
        names(&machine),
        ["azp", "exp", "iat", "iss", "jti", "scope", "sub", "typ"]
    );
    let user = jwt::claims(&shop().grant("lightweight-with-audience").user("ada").access);
    assert_eq!(
        names(&user),
        [
            "aud", "azp", "exp", "iat", "iss", "jti", "scope", "sid", "typ"
        ]
    );

    let token = shop().grant("lightweight").user("ada").access;
    let response = shop().introspect(&token);
    assert_eq!(response["active"], true);
    assert!(response["sub"].is_string());
    assert!(
        response["aud"]
            .as_array()
            .expect("a list")
            .contains(&json!(API))
    );
}

#[test]
fn bound_tokens_have_a_confirmation() {
    let client = okta_verifier_testing::Client::new();
    let dpop = shop().grant("dpop").dpop(&client).user("ada").access;
    assert_eq!(jwt::claims(&dpop)["typ"], "DPoP");
    assert_eq!(
        jwt::claims(&dpop)["cnf"],
        json!({ "jkt": client.thumbprint(), "kc-jkt-type": "DPoP" })
    );
    let mtls = shop().grant("mtls").tls(Some("client")).machine().access;
    assert_eq!(jwt::claims(&mtls)["typ"], "Bearer");
    assert_eq!(names(&jwt::claims(&mtls)["cnf"]), ["x5t#S256"]);
    assert_eq!(jwt::claims(&mtls)["iss"], shop().https_issuer());
}

#[test]
fn audience_is_one_text_after_an_exchange_and_for_a_resource() {
    let source = shop().grant("front").user("ada").access;
    assert_eq!(jwt::claims(&source)["aud"], "gateway");
    let exchanged = jwt::claims(&shop().grant("gateway").exchange(&source, API).access);
    assert_eq!(exchanged["aud"], API);
    assert_eq!(exchanged["azp"], "gateway");
    assert_eq!(exchanged["sid"], jwt::claims(&source)["sid"]);
    assert!(exchanged["act"].is_null());

    let resource = shop()
        .grant("agent")
        .with("resource", RESOURCE)
        .machine()
        .access;
    assert_eq!(jwt::claims(&resource)["aud"], RESOURCE);
    let unknown = shop()
        .grant("agent")
        .with("grant_type", "client_credentials");
    let answer = unknown
        .with("resource", "http://127.0.0.1:3000/other")
        .send();
    assert_eq!(answer.json()["error"], "invalid_target");
}

#[test]
fn client_outside_the_audience_learns_nothing_by_introspection() {
    let token = shop().grant("without-audience").machine().access;
    assert_eq!(shop().introspect(&token), json!({ "active": false }));
}

#[test]
fn key_set_has_a_key_for_encryption() {
    // Keys for these algorithms are created when a client needs one first.
    for client in ["web", "es256", "ps256", "eddsa"] {
        shop().grant(client).machine();
    }
    let set: Value = serde_json::from_str(&shop().key_set()).expect("JSON");
    let mut keys: Vec<_> = set["keys"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| {
            format!(
                "{} {}",
                key["use"].as_str().expect("use"),
                key["alg"].as_str().expect("alg")
            )
        })
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "enc RSA-OAEP",
            "sig ES256",
            "sig EdDSA",
            "sig PS256",
            "sig RS256"
        ]
    );
}
