//! `/_mock/token` of `MockOkta`.

use okta_verifier_testing::{CLIENT_ID, MockOkta};
use serde_json::json;

use crate::http::{get, send};
use crate::jose::{parts, verifies};

const PATH: &str = "/_mock/token";

#[tokio::test]
async fn minting_rejects_unknown_and_wrong_parameters() {
    let okta = MockOkta::start().await;
    for query in [
        "subject=ada",
        "sub=a&sub=b",
        "sub=%zz",
        "expires_in=-1",
        "expires_in=4294967296",
    ] {
        let reply = get(&okta, &format!("{PATH}?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
    }
    let posted = send(&okta, &format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn minting_returns_a_token_as_text() {
    let okta = MockOkta::start().await;
    let query = "sub=ada&scope=a%20b&aud=api://orders&client_id=0oaweb&groups=Admins,Staff&expires_in=4294967295";
    let reply = get(&okta, &format!("{PATH}?{query}")).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let jwt = String::from_utf8(reply.body).unwrap();
    assert!(verifies(&jwt, &okta.jwks()));
    let claims = parts(&jwt).payload;
    assert_eq!(claims["sub"], "ada");
    assert_eq!(claims["scp"], json!(["a", "b"]));
    assert_eq!([&claims["aud"], &claims["cid"]], ["api://orders", "0oaweb"]);
    assert_eq!(claims["groups"], json!(["Admins", "Staff"]));
}

#[tokio::test]
async fn minting_with_a_lifetime_of_zero_returns_a_token_that_expired() {
    let okta = MockOkta::start().await;
    let jwt = get(&okta, &format!("{PATH}?sub=ada&expires_in=0"))
        .await
        .body;
    let jwt = String::from_utf8(jwt).unwrap();
    let verifier = okta_verifier::Verifier::builder()
        .issuer(okta.issuer("api://default").any_client_id())
        .build()
        .unwrap();
    assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "expired");
}

#[tokio::test]
async fn minting_without_a_subject_returns_the_token_of_a_service() {
    let okta = MockOkta::start().await;
    let jwt = String::from_utf8(get(&okta, PATH).await.body).unwrap();
    let claims = parts(&jwt).payload;
    assert_eq!([&claims["sub"], &claims["cid"]], [CLIENT_ID, CLIENT_ID]);
    assert!(claims.get("uid").is_none());
}

#[tokio::test]
async fn mock_in_debug_output_shows_no_token_and_no_secret() {
    let okta = MockOkta::start().await;
    okta.set_client("0oaclient", "hush hush");
    let reply = get(&okta, &format!("{PATH}?sub=ada")).await;
    let shown = format!("{okta:?}");
    assert!(shown.contains(okta.issuer_url()), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let token = String::from_utf8(reply.body).unwrap();
    let parts = token.trim().split('.');
    assert!(parts.into_iter().all(|part| !shown.contains(part)));
}
