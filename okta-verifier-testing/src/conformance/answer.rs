//! The response of the API under test.

use crate::listener;

/// A response of the API under test. A driver builds an `Answer` from the response of its framework.
///
/// ```
/// use okta_verifier_testing::conformance::Answer;
///
/// let fields = [("WWW-Authenticate", r#"Bearer realm="api""#), ("Cache-Control", "no-store")];
/// let rejected = Answer::new(401, fields, "");
/// assert_eq!(rejected.status(), 401);
/// assert_eq!(rejected.field("www-authenticate").count(), 1);
/// assert!(rejected.body().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    code: Option<&'static str>,
}

impl Answer {
    /// Creates a response from a status, every field line in order, and the body.
    pub fn new<N: Into<String>, V: Into<Vec<u8>>>(
        status: u16,
        fields: impl IntoIterator<Item = (N, V)>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let fields = fields.into_iter();
        let answer = Self {
            status,
            fields: fields
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            body: body.into(),
            code: None,
        };
        answer.announce();
        answer
    }

    /// Sets the [code](okta_verifier::VerifyError::code) of the error, for a driver that has the `Rejection`.
    /// It is compared with [`Case::code`](super::Case::code). Without this method, only the response is
    /// compared.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Answer};
    ///
    /// let cases = conformance::provider_cases();
    /// let name = "Keycloak: an ID token for the audience => 401 invalid_token";
    /// let id_token = cases.iter().find(|case| case.name() == name).unwrap();
    /// let expected = id_token.expected();
    /// let fields = || {
    ///     let challenges = expected.www_authenticate().map(|it| ("www-authenticate", it.to_owned()));
    ///     challenges.chain([("cache-control", "no-store".to_owned())])
    /// };
    /// let answer = |code| Answer::new(401, fields(), "").code(Some(code));
    /// assert!(id_token.compare(&answer("not_an_access_token")).is_ok());
    /// let difference = id_token.compare(&answer("expired")).unwrap_err();
    /// assert_eq!(difference.to_string(), "code: expected not_an_access_token, received expired");
    /// ```
    #[must_use]
    pub fn code(mut self, code: Option<&'static str>) -> Self {
        self.code = code;
        self
    }

    /// Returns the code of the error, or `None` if the driver does not know it.
    pub(super) fn error_code(&self) -> Option<&'static str> {
        self.code
    }

    fn announce(&self) {
        // RFC 9449 §8: a nonce is public, and the client repeats it in proofs, so the nonce is not
        // reported.
        let fields = self.fields.iter();
        let fields = fields.filter(|(name, _)| !name.eq_ignore_ascii_case("dpop-nonce"));
        fields.for_each(|(_, value)| listener::shown(value));
        listener::shown(&self.body);
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the values of every line of a field. The name is case-insensitive.
    pub fn field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
