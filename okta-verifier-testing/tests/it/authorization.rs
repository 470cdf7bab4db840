//! `/v1/authorize` and the grants that begin there: authorization codes with PKCE, and refresh tokens.

use okta_verifier::Verifier;
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
use serde_json::Value;
use url::Url;

use crate::http::{AUTHORIZE, INTROSPECT, Reply, basic, get, post, post_to};
use crate::jose::{digest, parts, verifies};

pub(crate) const URI: &str = "http://127.0.0.1:5173/callback";
pub(crate) const VERIFIER: &str = "a-code-verifier-needs-at-least-43-characters";

/// The parameters of a valid request without a browser.
fn request() -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", URI),
        ("scope", "openid orders:read"),
        ("state", "a state & more"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", &digest(VERIFIER)),
        ("code_challenge_method", "S256"),
        ("login_hint", "ada"),
        ("prompt", "none"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// A valid request with one parameter changed, or without it if the value is empty.
pub(crate) fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut parameters = request();
    parameters.retain(|(it, _)| *it != name);
    parameters.push((name, value.to_owned()));
    parameters
}

pub(crate) fn encoded(parameters: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

pub(crate) async fn authorize(okta: &MockOkta, parameters: &[(&str, String)]) -> Reply {
    get(okta, &format!("{AUTHORIZE}?{}", encoded(parameters))).await
}

/// Returns a parameter of the redirection to the client.
pub(crate) fn redirected(reply: &Reply, name: &str) -> Option<String> {
    let location = reply.header("location")?;
    assert!(location.starts_with(URI), "{location}");
    let url = Url::parse(location).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(it, _)| it == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) async fn code(okta: &MockOkta, parameters: &[(&str, String)]) -> String {
    let reply = authorize(okta, parameters).await;
    assert_eq!(reply.status, 302);
    redirected(&reply, "code").expect("a code")
}

async fn exchange(okta: &MockOkta, code: &str, redirect_uri: &str, verifier: &str) -> Reply {
    let form = encoded(&[
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", redirect_uri.to_owned()),
        ("code_verifier", verifier.to_owned()),
    ]);
    post(okta, &basic(CLIENT_ID, CLIENT_SECRET), &form).await
}

async fn refresh(okta: &MockOkta, token: &Value, rest: &str) -> Reply {
    let token = token.as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}{rest}");
    post(okta, &basic(CLIENT_ID, CLIENT_SECRET), &form).await
}

fn assert_invalid_grant(reply: &Reply) {
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn authorization_request_with_a_wrong_client_or_redirect_uri_is_not_redirected() {
    let okta = MockOkta::start().await;
    for parameters in [
        with("client_id", "0oaother"),
        with("client_id", ""),
        with("redirect_uri", ""),
        with("redirect_uri", "https://evil.test/callback"),
        with("redirect_uri", "http://127.0.0.1@evil.test/"),
        with("redirect_uri", "http://127.0.0.1.evil.test/"),
        with("redirect_uri", "//evil.test"),
        with("redirect_uri", "http://127.0.0.1/#fragment"),
        with("redirect_uri", "javascript:alert(1)"),
    ] {
        let reply = authorize(&okta, &parameters).await;
        assert_eq!(reply.status, 400, "{parameters:?}");
        assert_eq!(reply.header("location"), None);
    }
    let twice = format!("{AUTHORIZE}?{}&state=b", encoded(&request()));
    let reply = get(&okta, &twice).await;
    assert_eq!((reply.status, reply.header("location")), (400, None));
    for query in ["", "%zz", "=", "&&&", "client_id=%ff"] {
        let reply = get(&okta, &format!("{AUTHORIZE}?{query}")).await;
        assert_eq!((reply.status, reply.header("location")), (400, None));
    }
}

#[tokio::test]
async fn authorization_request_with_another_error_is_reported_to_the_client() {
    let okta = MockOkta::start().await;
    for (name, value, error) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", VERIFIER, "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "orders:\"read\"", "invalid_scope"),
        ("prompt", "none login", "invalid_request"),
        ("request", "e30.e30.", "request_not_supported"),
        (
            "request_uri",
            "https://evil.test/",
            "request_uri_not_supported",
        ),
        ("login_hint", "", "login_required"),
        ("login_hint", "mallory", "login_required"),
    ] {
        let reply = authorize(&okta, &with(name, value)).await;
        assert_eq!(reply.status, 302, "{name}");
        assert_eq!(
            redirected(&reply, "error").as_deref(),
            Some(error),
            "{name}"
        );
        assert_eq!(
            redirected(&reply, "state").as_deref(),
            Some("a state & more")
        );
        assert_eq!(
            redirected(&reply, "iss").as_deref(),
            Some(okta.issuer_url())
        );
        assert_eq!(redirected(&reply, "code"), None, "{name}");
    }
}

#[tokio::test]
async fn authorization_code_that_does_not_fit_is_rejected() {
    let okta = MockOkta::start().await;
    let other = "another-verifier-with-more-than-43-characters";
    for (redirect_uri, verifier) in [
        (URI, other),
        (URI, &*digest(VERIFIER)),
        ("http://127.0.0.1:5173/other", VERIFIER),
    ] {
        let code = code(&okta, &request()).await;
        assert_invalid_grant(&exchange(&okta, &code, redirect_uri, verifier).await);
        assert_invalid_grant(&exchange(&okta, &code, URI, VERIFIER).await);
    }
    assert_invalid_grant(&exchange(&okta, "unknown", URI, VERIFIER).await);
    for (code, uri, verifier) in [("", URI, VERIFIER), ("c", "", VERIFIER), ("c", URI, "")] {
        let reply = exchange(&okta, code, uri, verifier).await;
        assert_eq!(reply.json()["error"], "invalid_request");
    }
}

#[tokio::test]
async fn authorization_code_needs_the_client() {
    let okta = MockOkta::start().await;
    let code = code(&okta, &request()).await;
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={URI}&code_verifier={VERIFIER}"
    );
    assert_eq!(post(&okta, "", &form).await.status, 401);
    assert_eq!(
        post(&okta, &basic(CLIENT_ID, "wrong"), &form).await.status,
        401
    );
    let public = format!("{form}&client_id={CLIENT_ID}");
    assert_eq!(post(&okta, "", &public).await.status, 401);
    okta.set_public_client(true);
    assert_eq!(post(&okta, "", &public).await.status, 200);
}

#[tokio::test]
async fn authorization_code_that_is_used_again_revokes_its_tokens() {
    let okta = MockOkta::start().await;
    let code = code(&okta, &with("scope", "openid offline_access")).await;
    let tokens = exchange(&okta, &code, URI, VERIFIER).await.json();
    assert_invalid_grant(&exchange(&okta, &code, URI, VERIFIER).await);
    for name in ["access_token", "refresh_token"] {
        let form = format!("token={}", tokens[name].as_str().unwrap());
        let client = basic(CLIENT_ID, CLIENT_SECRET);
        let reply = post_to(&okta, INTROSPECT, &client, &form).await;
        assert_eq!(reply.json()["active"], false, "{name}");
    }
    assert_invalid_grant(&refresh(&okta, &tokens["refresh_token"], "").await);
}

#[tokio::test]
async fn authorization_code_with_pkce_is_accepted() {
    let okta = MockOkta::start().await;
    let reply = authorize(&okta, &request()).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(
        redirected(&reply, "state").as_deref(),
        Some("a state & more")
    );
    assert_eq!(
        redirected(&reply, "iss").as_deref(),
        Some(okta.issuer_url())
    );
    let code = redirected(&reply, "code").unwrap();
    let reply = exchange(&okta, &code, URI, VERIFIER).await;
    assert_eq!(reply.status, 200);
    let tokens = reply.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid orders:read");
    assert!(tokens.get("refresh_token").is_none());

    let [access, id] = ["access_token", "id_token"].map(|name| tokens[name].as_str().unwrap());
    assert!(verifies(access, &okta.jwks()) && verifies(id, &okta.jwks()));
    let claims = parts(id).payload;
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(claims["aud"], CLIENT_ID);
    assert_eq!(claims["at_hash"].as_str().unwrap().len(), 22);

    let issuer = okta.issuer("api://default").client_id(CLIENT_ID);
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let verified = verifier.verify(access).await.unwrap();
    assert!(verified.subject() == "ada" && verified.has_scope("orders:read"));
    assert!(verifier.verify(id).await.is_err());
    assert_eq!(okta.hits().authorization, 1);
}

#[tokio::test]
async fn authorization_code_without_openid_has_no_id_token() {
    let okta = MockOkta::start().await;
    for scope in ["", "orders:read"] {
        let code = code(&okta, &with("scope", scope)).await;
        let tokens = exchange(&okta, &code, URI, VERIFIER).await.json();
        assert!(tokens["access_token"].is_string() && tokens.get("id_token").is_none());
    }
}

#[tokio::test]
async fn authorization_request_by_post_is_accepted() {
    let okta = MockOkta::start().await;
    let reply = post_to(&okta, AUTHORIZE, "", &encoded(&request())).await;
    assert_eq!(reply.status, 303);
    assert!(redirected(&reply, "code").is_some());
}

#[tokio::test]
async fn login_page_lists_the_users() {
    let okta = MockOkta::builder()
        .users(["grace@acme.example", "<b>"])
        .start()
        .await
        .unwrap();
    let mut parameters = with("prompt", "");
    parameters.push(("ui_locales", "\"><script>".to_owned()));
    let reply = authorize(&okta, &parameters).await;
    assert_eq!((reply.status, reply.header("location")), (200, None));
    assert!(
        reply
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let page = String::from_utf8(reply.body).unwrap();
    assert!(page.contains("<button name=\"login_hint\" value=\"grace@acme.example\">"));
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>") && !page.contains("<script"));
    let chosen = with("login_hint", "grace@acme.example");
    code(&okta, &chosen).await;
}

#[tokio::test]
async fn redirect_uri_must_be_a_registered_one() {
    let okta = MockOkta::builder()
        .redirect_uri("https://app.example/callback?tenant=1")
        .start()
        .await
        .unwrap();
    assert_eq!(authorize(&okta, &request()).await.status, 400);
    let registered = with("redirect_uri", "https://app.example/callback?tenant=1");
    let reply = authorize(&okta, &registered).await;
    let location = reply.header("location").unwrap();
    assert!(
        location.starts_with("https://app.example/callback?tenant=1&code="),
        "{location}"
    );
    let wrong = MockOkta::builder()
        .redirect_uri("javascript:alert(1)")
        .start()
        .await;
    assert_eq!(wrong.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn refresh_token_is_replaced_at_each_use() {
    let okta = MockOkta::start().await;
    let code = code(&okta, &with("scope", "openid offline_access orders:read")).await;
    let first = exchange(&okta, &code, URI, VERIFIER).await.json();
    let more = refresh(&okta, &first["refresh_token"], "&scope=orders:write").await;
    assert_eq!(more.json()["error"], "invalid_scope");
    let second = refresh(&okta, &first["refresh_token"], "").await.json();
    assert!(second["id_token"].is_string());
    assert!(
        parts(second["id_token"].as_str().unwrap())
            .payload
            .get("nonce")
            .is_none()
    );
    assert_invalid_grant(&refresh(&okta, &first["refresh_token"], "").await);
    let less = refresh(&okta, &second["refresh_token"], "&scope=orders:read").await;
    assert_eq!(less.json()["scope"], "orders:read");
    okta.revoke(second["refresh_token"].as_str().unwrap());
    assert_invalid_grant(&refresh(&okta, &second["refresh_token"], "").await);
}

#[tokio::test]
async fn refresh_token_that_was_revoked_is_rejected() {
    let okta = MockOkta::start().await;
    let code = code(&okta, &with("scope", "offline_access")).await;
    let tokens = exchange(&okta, &code, URI, VERIFIER).await.json();
    okta.revoke(tokens["refresh_token"].as_str().unwrap());
    assert_invalid_grant(&refresh(&okta, &tokens["refresh_token"], "").await);
    let unused = okta.refresh_token("ada").sign();
    assert_invalid_grant(&refresh(&okta, &unused.into(), "").await);
}

#[tokio::test]
async fn client_credentials_of_a_public_client_are_rejected() {
    let okta = MockOkta::start().await;
    okta.set_public_client(true);
    let form = format!("grant_type=client_credentials&scope=a&client_id={CLIENT_ID}");
    let reply = post(&okta, "", &form).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "unauthorized_client");
}
