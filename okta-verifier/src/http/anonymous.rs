//! [`Anonymous`]: the marker of a request that an optional layer has admitted without a token.

use std::sync::Arc;

use super::{Challenges, HeaderValue, NO_FIELD, Rejection, Scheme};
use crate::{error::VerifyError, stats::IssuerCounters};

/// Marks a request that an optional layer has admitted without a token: one without credentials, or one whose
/// expired token the layer treats as anonymous.
///
/// The layer inserts this marker into the request's extensions, so that an extractor can tell a request
/// without credentials (401) from a route without a layer (500).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{adapter::Anonymous, VerifiedToken, Verifier};
///
/// /// A handler behind an optional layer reads the extensions of the request.
/// fn greet(extensions: &http::Extensions) -> Result<String, http::StatusCode> {
///     if let Some(token) = extensions.get::<VerifiedToken>() {
///         return Ok(format!("hello {}", token.subject()));
///     }
///     match extensions.get::<Anonymous>() {
///         Some(anonymous) => Err(anonymous.rejection().status()), // this branch requires a token
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
pub struct Anonymous {
    challenges: Arc<Challenges>,
    /// `None` if the request has no credentials.
    expired: Option<Expired>,
}

/// The expired token of a request that is treated as anonymous.
#[derive(Clone, Debug)]
struct Expired {
    scheme: Scheme,
    /// The time since `exp`.
    seconds: u64,
    issuer: Arc<IssuerCounters>,
}

impl Anonymous {
    pub(crate) fn new(challenges: Arc<Challenges>) -> Self {
        Self {
            challenges,
            expired: None,
        }
    }

    pub(crate) fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Marks a request whose token has no other defect than that it expired `seconds` ago.
    pub(crate) fn expired(
        challenges: &Arc<Challenges>,
        scheme: Scheme,
        seconds: u64,
        issuer: &Arc<IssuerCounters>,
    ) -> Self {
        let expired = Expired {
            scheme,
            seconds,
            issuer: issuer.clone(),
        };
        Self {
            challenges: challenges.clone(),
            expired: Some(expired),
        }
    }

    /// Returns the 401 for a handler that requires a token. For a request without credentials, it reports no
    /// error (RFC 6750 §3). For an expired token, it is the rejection of that token, so that the client
    /// requests another one.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        self.rejection_for(&[])
    }

    /// Returns the 401 for a policy that requires these scopes. The challenge names them if the layer requires a
    /// policy itself.
    pub(crate) fn rejection_for(&self, scopes: &[&str]) -> Rejection {
        self.reject_with(|challenges| challenges.for_anonymous(scopes))
    }

    /// Returns the 401 for policies that require these scopes. The challenge always names them.
    #[cfg(feature = "mcp")]
    pub(crate) fn rejection_naming(&self, scopes: &[&str]) -> Rejection {
        self.reject_with(|challenges| challenges.naming(scopes))
    }

    fn reject_with(
        &self,
        challenges: impl FnOnce(&Challenges) -> [Option<HeaderValue>; 2],
    ) -> Rejection {
        match &self.expired {
            None => {
                let challenges = challenges(&self.challenges);
                Rejection::without_credentials(challenges).logged(NO_FIELD, None)
            }
            Some(expired) => self.rejection_of(expired).logged_error(None),
        }
    }

    /// Returns the rejection that this marker may replace, and logs that it does.
    pub(crate) fn into_rejection(self) -> Rejection {
        let Some(expired) = &self.expired else {
            return self.rejection();
        };
        tracing::debug!(
            issuer = expired.issuer.issuer(),
            "expired token treated as anonymous"
        );
        let rejection = self.rejection_of(expired);
        rejection.or_anonymous(self)
    }

    fn rejection_of(&self, expired: &Expired) -> Rejection {
        let issuer = Some(expired.issuer.clone());
        Rejection::of_error(&self.challenges, expired.scheme, expired.error(), issuer)
    }
}

impl Expired {
    fn error(&self) -> VerifyError {
        VerifyError::Expired {
            seconds: self.seconds,
        }
    }
}
