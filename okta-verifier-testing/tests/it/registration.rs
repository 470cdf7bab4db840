//! `/v1/clients`: clients that register themselves (RFC 7591).

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
use serde_json::{Value, json};

use crate::authorization::{URI, VERIFIER, authorize, code, encoded, redirected, with};
use crate::http::{CLIENTS, INTROSPECT, OPENID, REVOKE, Reply, basic, get, post, post_to, send};
use crate::jose::parts;

async fn open() -> MockOkta {
    let okta = MockOkta::start().await;
    okta.set_registration(true);
    okta
}

async fn register(okta: &MockOkta, metadata: &Value) -> Reply {
    send_json(okta, "application/json", &metadata.to_string()).await
}

async fn send_json(okta: &MockOkta, media_type: &str, body: &str) -> Reply {
    let length = body.len();
    let request = format!(
        "POST {CLIENTS} HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    send(okta, &request).await
}

/// Registers a client, and returns its ID and its secret, which is empty for a public client.
async fn registered(okta: &MockOkta, method: &str) -> (String, String) {
    let metadata = json!({
        "client_name": "an MCP client",
        "redirect_uris": [URI],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "files:read",
        "software_id": "ignored",
    });
    let reply = register(okta, &metadata).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["redirect_uris"], json!([URI]));
    assert_eq!(body["token_endpoint_auth_method"], method);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("client_id"), text("client_secret"))
}

async fn code_of(okta: &MockOkta, client: &str) -> String {
    let mut parameters = with("client_id", client);
    parameters.retain(|(name, _)| *name != "scope");
    parameters.push(("scope", "files:read offline_access".to_owned()));
    code(okta, &parameters).await
}

/// Exchanges a code. The client is in `rest`, or in the fields.
async fn exchange(okta: &MockOkta, fields: &str, code: &str, rest: &str) -> Reply {
    let form = encoded(&[
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", URI.to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
    ]);
    post(okta, fields, &format!("{form}{rest}")).await
}

#[tokio::test]
async fn registration_is_404_by_default() {
    let okta = MockOkta::start().await;
    let reply = register(&okta, &json!({ "redirect_uris": [URI] })).await;
    assert_eq!(reply.status, 404);
    let metadata = get(&okta, OPENID).await.json();
    assert!(metadata.get("registration_endpoint").is_none());
    okta.set_registration(true);
    assert_eq!(get(&okta, CLIENTS).await.status, 405);
    let metadata = get(&okta, OPENID).await.json();
    let endpoint = format!("{}/v1/clients", okta.issuer_url());
    assert_eq!(metadata["registration_endpoint"], endpoint);
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array();
    assert!(methods.unwrap().contains(&json!("none")));
    assert_eq!(okta.hits().registration, 2);
}

#[tokio::test]
async fn registration_that_the_server_cannot_serve_is_rejected() {
    let okta = open().await;
    let uris = "invalid_redirect_uri";
    let other = "invalid_client_metadata";
    let many = vec![URI; 11];
    let long = format!("{URI}/{}", "a".repeat(2048));
    for (metadata, error) in [
        (json!([]), other),
        (json!("text"), other),
        (json!({}), uris),
        (json!({ "redirect_uris": [] }), uris),
        (json!({ "redirect_uris": URI }), uris),
        (json!({ "redirect_uris": [URI, 7] }), uris),
        (json!({ "redirect_uris": many }), uris),
        (json!({ "redirect_uris": [long] }), uris),
        (json!({ "redirect_uris": ["http://app.example/"] }), uris),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), uris),
        (
            json!({ "redirect_uris": [URI, "https://app.example/#a"] }),
            uris,
        ),
        (json!({ "redirect_uris": [URI], "grant_types": [] }), other),
        (
            json!({ "redirect_uris": [URI], "grant_types": ["refresh_token"] }),
            other,
        ),
        (
            json!({ "redirect_uris": [URI], "grant_types": ["authorization_code", "client_credentials"] }),
            other,
        ),
        (
            json!({ "redirect_uris": [URI], "response_types": ["token"] }),
            other,
        ),
        (
            json!({ "redirect_uris": [URI], "token_endpoint_auth_method": "private_key_jwt" }),
            other,
        ),
        (
            json!({ "redirect_uris": [URI], "token_endpoint_auth_method": 7 }),
            other,
        ),
    ] {
        let reply = register(&okta, &metadata).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!(error)),
            "{metadata}"
        );
    }
    for (media_type, body) in [
        ("application/x-www-form-urlencoded", "{}"),
        ("application/json", "{"),
        ("application/json", ""),
    ] {
        assert_eq!(
            send_json(&okta, media_type, body).await.status,
            400,
            "{body}"
        );
    }
}

#[tokio::test]
async fn registered_client_cannot_use_what_belongs_to_another() {
    let okta = open().await;
    let (first, _) = registered(&okta, "none").await;
    let (second, secret) = registered(&okta, "client_secret_post").await;
    let of_second = format!("&client_id={second}&client_secret={secret}");

    // The code of another client, and a code of the configured client.
    for client in [&*first, CLIENT_ID] {
        let code = code_of(&okta, client).await;
        let reply = exchange(&okta, "", &code, &of_second).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]),
            (400, &json!("invalid_grant"))
        );
    }
    // A refresh token of another client.
    let code = code_of(&okta, &first).await;
    let tokens = exchange(&okta, "", &code, &format!("&client_id={first}"))
        .await
        .json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let reply = post(&okta, "", &format!("{form}{of_second}")).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    let reply = post(&okta, "", &format!("{form}&client_id={first}")).await;
    assert_eq!(reply.status, 200);
    // Another grant, and the endpoints of services.
    let form = format!("grant_type=client_credentials&scope=a{of_second}");
    let reply = post(&okta, "", &form).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("unauthorized_client"))
    );
    for path in [INTROSPECT, REVOKE] {
        let reply = post_to(&okta, path, &basic(&second, &secret), "token=a").await;
        assert_eq!(reply.status, 401, "{path}");
    }
}

#[tokio::test]
async fn registered_client_must_authenticate_as_it_registered() {
    let okta = open().await;
    let (client, secret) = registered(&okta, "client_secret_basic").await;
    let code = code_of(&okta, &client).await;
    for (fields, rest) in [
        (String::new(), format!("&client_id={client}")),
        (basic(&client, CLIENT_SECRET), String::new()),
        (basic(&client, ""), String::new()),
        (basic(CLIENT_ID, &secret), String::new()),
    ] {
        assert_eq!(exchange(&okta, &fields, &code, &rest).await.status, 401);
    }
    let (public, none) = registered(&okta, "none").await;
    assert_eq!(none, "");
    for secret in ["", CLIENT_SECRET] {
        let reply = exchange(&okta, &basic(&public, secret), &code, "").await;
        assert_eq!(reply.status, 401);
    }
    // None of these used the code.
    let reply = exchange(&okta, &basic(&client, &secret), &code, "").await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn registered_client_gets_tokens_of_a_user_at_its_redirect_uri() {
    let okta = open().await;
    let (client, _) = registered(&okta, "none").await;
    for uri in ["http://127.0.0.1:5173/other", "https://evil.test/callback"] {
        let mut parameters = with("redirect_uri", uri);
        parameters.retain(|(name, _)| *name != "client_id");
        parameters.push(("client_id", client.clone()));
        let reply = authorize(&okta, &parameters).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (400, None),
            "{uri}"
        );
    }
    let reply = authorize(&okta, &with("client_id", &client)).await;
    assert_eq!(
        redirected(&reply, "iss").as_deref(),
        Some(okta.issuer_url())
    );
    let code = code_of(&okta, &client).await;
    let tokens = exchange(&okta, "", &code, &format!("&client_id={client}"))
        .await
        .json();
    let claims = parts(tokens["access_token"].as_str().unwrap()).payload;
    assert_eq!(
        (&claims["cid"], &claims["sub"]),
        (&json!(client), &json!("ada"))
    );
}
