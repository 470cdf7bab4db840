//! `/v1/token` of `MockOkta`: the client credentials grant and its errors.

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
use serde_json::json;

use crate::http::{TOKEN, basic, get, post, send};
use crate::jose::{parts, verifies};

const GRANT: &str = "grant_type=client_credentials&scope=orders%3Aread+orders:write";

#[tokio::test]
async fn basic_authentication_is_accepted() {
    let okta = MockOkta::start().await;
    okta.set_audience("api://orders");
    let reply = post(&okta, &basic(CLIENT_ID, CLIENT_SECRET), GRANT).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-cache, no-store"));
    let response = reply.json();
    assert_eq!(response["token_type"], "Bearer");
    assert_eq!(response["expires_in"], 3600);
    assert_eq!(response["scope"], "orders:read orders:write");
    let jwt = response["access_token"].as_str().unwrap();
    assert!(verifies(jwt, &okta.jwks()));
    let claims = parts(jwt).payload;
    assert_eq!(claims["scp"], json!(["orders:read", "orders:write"]));
    assert_eq!([&claims["sub"], &claims["cid"]], [CLIENT_ID, CLIENT_ID]);
    assert_eq!(claims["aud"], "api://orders");
    assert!(claims.get("uid").is_none());
    assert_eq!(okta.hits().token, 1);
}

#[tokio::test]
async fn basic_credentials_are_form_encoded() {
    let okta = MockOkta::start().await;
    let reply = post(&okta, &basic("%30oatest", "secre%74"), GRANT).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn posted_authentication_is_accepted() {
    let okta = MockOkta::start().await;
    let form = format!("{GRANT}&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    assert_eq!(post(&okta, "", &form).await.status, 200);
}

#[tokio::test]
async fn wrong_clients_are_rejected() {
    let okta = MockOkta::start().await;
    let wrong = post(&okta, &basic(CLIENT_ID, "wrong"), GRANT).await;
    assert_eq!(
        (wrong.status, wrong.json()["error"].as_str()),
        (401, Some("invalid_client"))
    );
    assert_eq!(
        wrong.header("www-authenticate"),
        Some("Basic realm=\"okta\"")
    );
    let bearer = post(&okta, "Authorization: Bearer x\r\n", GRANT).await;
    assert_eq!(bearer.status, 401);
    let none = post(&okta, "", GRANT).await;
    assert_eq!(
        (none.status, none.json()["error"].as_str()),
        (401, Some("invalid_client"))
    );
    let form = format!("{GRANT}&client_id={CLIENT_ID}&client_secret=wrong");
    assert_eq!(post(&okta, "", &form).await.status, 401);
    let both = format!("{GRANT}&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let both = post(&okta, &basic(CLIENT_ID, CLIENT_SECRET), &both).await;
    assert_eq!(
        (both.status, both.json()["error"].as_str()),
        (400, Some("invalid_request"))
    );
}

#[tokio::test]
async fn wrong_requests_are_rejected() {
    let okta = MockOkta::start().await;
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    let forms = [
        ("scope=a", "invalid_request"),
        ("grant_type=password&scope=a", "unsupported_grant_type"),
        ("grant_type=client_credentials", "invalid_scope"),
        ("grant_type=client_credentials&scope=%zz", "invalid_request"),
    ];
    for (form, error) in forms {
        let reply = post(&okta, &client, form).await;
        assert_eq!(reply.status, 400, "{form}");
        assert_eq!(reply.json()["error"], error, "{form}");
    }
    assert_eq!(get(&okta, TOKEN).await.status, 405);
    let json = send(
        &okta,
        &format!("POST {TOKEN} HTTP/1.1\r\ncontent-length: 2\r\n\r\n{{}}"),
    )
    .await;
    assert_eq!(json.json()["error"], "invalid_request");
}
