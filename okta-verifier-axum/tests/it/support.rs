//! Shared by all tests: an issuer, requests, and readable responses.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt;
use okta_verifier::{Policy, Rejection, Requirement, Verifier};
use okta_verifier_axum::VerifyLayer;
use okta_verifier_testing::TestIssuer;
use tower::ServiceExt;

pub(crate) const PLAIN: &str = r#"Bearer realm="api""#;
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
    static OKTA: LazyLock<TestIssuer> = LazyLock::new(|| TestIssuer::new("api://orders"));
    &OKTA
}

pub(crate) fn strict() -> VerifyLayer {
    let issuer = okta().issuer().any_client_id();
    VerifyLayer::new(
        Verifier::builder()
            .issuer(issuer)
            .build()
            .expect("valid settings"),
    )
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The status of the `Rejection` in the response's extensions.
    pub(crate) reason: Option<u16>,
}

/// Sends `GET path`, with or without a token.
pub(crate) async fn get(app: &Router, path: &str, jwt: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(jwt) = jwt {
        request = request.header("authorization", format!("Bearer {jwt}"));
    }
    let request = request.body(Body::empty()).expect("the request is valid");
    let Ok(response) = app.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .expect("the body is complete")
        .to_bytes();
    Answer {
        status: parts.status.as_u16(),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        reason: parts
            .extensions
            .get::<Rejection>()
            .map(|reason| reason.status().as_u16()),
        headers: parts.headers,
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_served(&self, body: &str) {
        assert_eq!(
            (self.status, self.body.as_str(), self.reason),
            (200, body, None)
        );
    }

    #[track_caller]
    pub(crate) fn assert_rejected(&self, status: u16, challenge: Option<&str>) {
        assert_eq!(
            (self.status, self.body.as_str(), self.reason),
            (status, "", Some(status))
        );
        let challenges: Vec<_> = self.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, Vec::from_iter(challenge));
        assert_eq!(self.headers["cache-control"], "no-store");
    }
}
