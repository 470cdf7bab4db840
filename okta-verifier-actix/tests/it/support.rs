//! Shared by all tests: an issuer, requests, and readable responses.

pub(crate) mod mock_issuer;
pub(crate) mod server;

use std::sync::LazyLock;

use actix_http::Request;
use actix_web::{
    App, Error, HttpMessage, HttpRequest,
    body::{MessageBody, to_bytes},
    dev::{HttpServiceFactory, Service, ServiceResponse},
    http::header::HeaderValue,
    test::{self, TestRequest},
};
use okta_verifier::{Policy, Rejection, Requirement, VerifiedToken, Verifier, adapter::Anonymous};
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::TestIssuer;

pub(crate) const AUDIENCE: &str = "api://orders";

pub(crate) const PLAIN: &str = r#"Bearer realm="api""#;
pub(crate) const MALFORMED: &str = r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#;
pub(crate) const INVALID: &str = r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#;
pub(crate) const LACKS_SCOPE: &str = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read""#;

pub(crate) struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

pub(crate) struct Admin;

impl Requirement for Admin {
    const POLICY: Policy = Policy::group("Admins");
}

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

pub(crate) fn strict() -> VerifyMiddleware {
    VerifyMiddleware::new(verifier(okta()))
}

/// Builds `GET uri` with one `Authorization` line per value.
pub(crate) fn get(uri: &str, authorization: &[&[u8]]) -> TestRequest {
    let request = TestRequest::get().uri(uri);
    authorization.iter().fold(request, |request, value| {
        let value = HeaderValue::from_bytes(value).expect("the header value is legal");
        request.append_header(("authorization", value))
    })
}

pub(crate) fn bearer(uri: &str, jwt: &str) -> TestRequest {
    get(uri, &[format!("Bearer {jwt}").as_bytes()])
}

/// A handler that responds with what the middleware put into the request's extensions.
pub(crate) async fn whoami(request: HttpRequest) -> String {
    let extensions = request.extensions();
    let token = extensions.get::<VerifiedToken>();
    match (token, extensions.get::<Anonymous>()) {
        (Some(token), None) => token.subject().to_owned(),
        (None, Some(_)) => "anonymous".to_owned(),
        (None, None) => "nothing".to_owned(),
        (Some(_), Some(_)) => "both".to_owned(),
    }
}

/// Builds an app with `service` only.
pub(crate) async fn app(
    service: impl HttpServiceFactory + 'static,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    test::init_service(App::new().service(service)).await
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `name: value`, sorted.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
    /// The status of the `Rejection` in the response's extensions.
    pub(crate) reason: Option<u16>,
}

/// Calls the app. The result must be a response, not an `Err`: an outer middleware adds headers to
/// responses only.
pub(crate) async fn send<B: MessageBody>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = Error>,
    request: TestRequest,
) -> Answer {
    let response = app.call(request.to_request()).await;
    read(response.expect("a response")).await
}

pub(crate) async fn read<B: MessageBody>(response: ServiceResponse<B>) -> Answer {
    let response = response.into_parts().1;
    let mut headers: Vec<String> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    headers.sort();
    let reason = response.extensions().get::<Rejection>().map(status);
    let code = response.status().as_u16();
    let Ok(body) = to_bytes(response.into_body()).await else {
        panic!("the body is incomplete")
    };
    Answer {
        status: code,
        headers,
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        reason,
    }
}

fn status(rejection: &Rejection) -> u16 {
    rejection.status().as_u16()
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_served(&self, name: &str, body: &str) {
        let response = (self.status, self.body.as_str(), self.reason);
        assert_eq!(response, (200, body, None), "{name}");
    }

    /// Asserts a rejection to the byte, and that the extensions contain its reason.
    #[track_caller]
    pub(crate) fn assert_rejected(&self, name: &str, status: u16, challenge: Option<&str>) {
        assert_eq!(self.headers, rejection_lines(challenge), "{name}");
        let response = (self.status, self.body.as_str(), self.reason);
        assert_eq!(response, (status, "", Some(status)), "{name}");
    }

    /// RFC 9110 §15.6.4: a 503 says when to retry. A 401 would make clients discard valid tokens.
    #[track_caller]
    pub(crate) fn assert_unavailable(&self) {
        let [no_store, retry_after] = &self.headers[..] else {
            panic!("{self:?}")
        };
        assert_eq!(no_store, "cache-control: no-store");
        assert_retry_after(retry_after);
        let response = (self.status, self.body.as_str(), self.reason);
        assert_eq!(response, (503, "", Some(503)));
    }
}

/// Returns the header lines of a rejection: `no-store`, and at most one challenge.
pub(crate) fn rejection_lines(challenge: Option<&str>) -> Vec<String> {
    let challenge = challenge.map(|challenge| format!("www-authenticate: {challenge}"));
    let no_store = Some("cache-control: no-store".to_owned());
    [no_store, challenge].into_iter().flatten().collect()
}

#[track_caller]
pub(crate) fn assert_retry_after(line: &str) {
    let seconds: u32 = line
        .strip_prefix("retry-after: ")
        .and_then(|seconds| seconds.parse().ok())
        .expect("whole seconds");
    assert!((1..=120).contains(&seconds), "{seconds}");
}
