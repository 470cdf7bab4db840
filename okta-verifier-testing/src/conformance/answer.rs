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
        };
        answer.announce();
        answer
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
