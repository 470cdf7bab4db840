//! Shared by all tests: an issuer, a handler that returns the subject, and readable responses.

pub(crate) mod mock_issuer;

use std::{convert::Infallible, sync::LazyLock};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use okta_verifier::{Rejection, VerifiedToken, Verifier, adapter::Anonymous};
use okta_verifier_testing::TestIssuer;

pub(crate) const AUDIENCE: &str = "api://orders";

pub(crate) const PLAIN: &str = r#"Bearer realm="api""#;
pub(crate) const MALFORMED: &str = r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#;
pub(crate) const INVALID: &str = r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#;
pub(crate) const LACKS_SCOPE: &str = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read""#;

/// Returns the issuer of all tests.
pub(crate) fn okta() -> &'static TestIssuer {
    static OKTA: LazyLock<TestIssuer> = LazyLock::new(|| TestIssuer::new(AUDIENCE));
    &OKTA
}

pub(crate) fn verifier(okta: &TestIssuer) -> Verifier {
    Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .expect("valid settings")
}

/// Builds `GET uri` with one `Authorization` line per value.
pub(crate) fn get<B: Default>(uri: &str, authorization: &[&[u8]]) -> Request<B> {
    let mut request = Request::get(uri)
        .body(B::default())
        .expect("the URI is valid");
    for value in authorization {
        let value = HeaderValue::from_bytes(value).expect("the header value is legal");
        request.headers_mut().append(AUTHORIZATION, value);
    }
    request
}

pub(crate) fn bearer(jwt: &str) -> Request<()> {
    get("/orders", &[format!("Bearer {jwt}").as_bytes()])
}

/// A handler that responds with what the layers put into the request's extensions.
pub(crate) async fn whoami<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    let token = request.extensions().get::<VerifiedToken>();
    let anonymous = request.extensions().get::<Anonymous>();
    Ok(Response::new(match (token, anonymous) {
        (Some(token), None) => token.subject().to_owned(),
        (None, Some(_)) => "anonymous".to_owned(),
        (None, None) => "nothing".to_owned(),
        (Some(_), Some(_)) => "both".to_owned(),
    }))
}

/// Returns a response as lines: status, headers by name, body.
pub(crate) fn lines(response: &Response<String>) -> Vec<String> {
    let mut headers: Vec<String> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    headers.sort();
    let status = response.status().as_u16().to_string();
    [vec![status], headers, vec![response.body().clone()]].concat()
}

/// Returns the lines of a rejection: an empty body, `no-store`, and at most one challenge.
pub(crate) fn rejection_lines(status: u16, challenge: Option<&str>) -> Vec<String> {
    let challenge = challenge.map(|challenge| format!("www-authenticate: {challenge}"));
    [
        Some(status.to_string()),
        Some("cache-control: no-store".to_owned()),
        challenge,
        Some(String::new()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Asserts a rejection to the byte, and that the extensions contain its reason.
pub(crate) fn assert_rejected(
    name: &str,
    response: &Response<String>,
    status: u16,
    challenge: Option<&str>,
) {
    assert_eq!(
        lines(response),
        rejection_lines(status, challenge),
        "{name}"
    );
    let reason = response.extensions().get::<Rejection>();
    assert_eq!(
        reason.map(|reason| reason.status().as_u16()),
        Some(status),
        "{name}"
    );
}

pub(crate) fn assert_served(name: &str, response: &Response<String>, body: &str) {
    assert_eq!(lines(response), ["200", body], "{name}");
}
