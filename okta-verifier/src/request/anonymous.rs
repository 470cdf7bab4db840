use std::sync::Arc;

use super::{Challenges, Rejection};

/// Says that a request came without credentials and that its layer let it pass.
///
/// An optional layer puts it into the request's extensions, so that an extractor can tell a
/// caller without credentials (401) from a route without a layer (500).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Anonymous, VerifiedToken, Verifier};
///
/// /// What a handler behind an optional layer finds in its request.
/// fn greet(extensions: &http::Extensions) -> Result<String, http::StatusCode> {
///     if let Some(token) = extensions.get::<VerifiedToken>() {
///         return Ok(format!("hello {}", token.subject()));
///     }
///     match extensions.get::<Anonymous>() {
///         Some(anonymous) => Err(anonymous.rejection().status()), // here it wants to know
///         None => Err(http::StatusCode::INTERNAL_SERVER_ERROR),   // no layer
///     }
/// }
///
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let mut extensions = http::Extensions::new();
/// assert_eq!(greet(&extensions).unwrap_err(), 500);
/// extensions.insert(verifier.anonymous());
/// assert_eq!(greet(&extensions).unwrap_err(), 401);
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Anonymous(Arc<Challenges>);

impl Anonymous {
    pub(crate) fn new(challenges: Arc<Challenges>) -> Self {
        Self(challenges)
    }

    /// The plain 401, for a handler that wants credentials after all (RFC 6750 §3).
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        Rejection::unauthenticated(&self.0)
    }
}
