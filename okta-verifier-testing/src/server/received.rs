//! The requests that the server received, for tests of the client that sent them.

use super::clients;
use super::form::Form;
use super::request::Request;
use super::{Endpoint, MockOkta};
use crate::listener;

/// A request that [`MockOkta`] received.
///
/// It contains the credentials and tokens that the client sent, and its `Debug` output shows them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{Endpoint, MockOkta};
///
/// let okta = MockOkta::start().await;
/// for request in okta.received(Endpoint::Introspection) {
///     assert_eq!(request.header("cookie"), None);
///     assert!(request.parameter("token").is_some());
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The method, such as `POST`.
    pub method: String,
    /// The name and value of each field, unchanged.
    pub headers: Vec<(String, String)>,
    /// The body, unchanged.
    pub body: Vec<u8>,
}

impl Received {
    pub(super) fn new(request: &Request) -> Self {
        listener::secret(request.header("authorization").unwrap_or_default());
        if let Some(form) = Form::parse(&request.body) {
            for name in SECRETS {
                listener::secret(form.parameter(name).unwrap_or_default());
            }
        }
        Self {
            method: request.method.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }

    /// Returns the value of a field, the first if there are several, or `None` if there is none. The
    /// name is case-insensitive.
    ///
    /// ```
    /// # use okta_verifier_testing::Received;
    /// fn accepts_json(request: &Received) -> bool {
    ///     request.header("accept") == Some("application/json")
    /// }
    /// ```
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(&field.1)
    }

    /// Returns a decoded parameter of a form body, or `None` if the body has no such parameter.
    ///
    /// ```
    /// # use okta_verifier_testing::Received;
    /// fn introspects(request: &Received, token: &str) -> bool {
    ///     request.parameter("token").as_deref() == Some(token)
    /// }
    /// ```
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let form = Form::parse(&self.body)?;
        form.parameter(name).map(str::to_owned)
    }

    /// Returns the header and the claims of the JWT with which the client authenticated (RFC 7523 §2.2),
    /// each as JSON text, or `None` if the request has no such JWT.
    ///
    /// ```
    /// # use okta_verifier_testing::Received;
    /// fn names_its_key(request: &Received) -> bool {
    ///     request.assertion().is_some_and(|(header, _)| header.contains(r#""kid":"#))
    /// }
    /// ```
    #[must_use]
    pub fn assertion(&self) -> Option<(String, String)> {
        let (header, claims) = clients::read(&self.parameter("client_assertion")?)?;
        Some((header.to_string(), claims.to_string()))
    }
}

impl MockOkta {
    /// Returns the requests to an endpoint, oldest first, including requests that got a fault. Only the
    /// last thousand requests to all endpoints are kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// assert!(okta.received(Endpoint::Introspection).is_empty());
    /// # }
    /// ```
    #[must_use]
    pub fn received(&self, endpoint: Endpoint) -> Vec<Received> {
        let state = self.shared.state();
        let of = state.received.iter().filter(|(of, _)| *of == endpoint);
        of.map(|(_, request)| request.clone()).collect()
    }
}

const SECRETS: [&str; 6] = [
    "client_secret",
    "client_assertion",
    "token",
    "code",
    "code_verifier",
    "refresh_token",
];
