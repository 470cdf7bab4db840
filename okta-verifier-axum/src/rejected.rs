use std::{error::Error, fmt};

use axum::response::{IntoResponse, Response};
use okta_verifier::Rejection;

/// A refusal, as a response: the rejection type of every extractor here.
///
/// Handlers that decide for themselves return it as their error; `?` turns a [`Rejection`] into it.
///
/// ```
/// use axum::extract::Path;
/// use okta_verifier::Policy;
/// use okta_verifier_axum::{Rejected, Verified};
///
/// async fn order(token: Verified, Path(owner): Path<String>) -> Result<String, Rejected> {
///     if owner != token.subject() {
///         token.require(Policy::group("Admins"))?; // 403 to everyone else
///     }
///     Ok(format!("an order of {owner}"))
/// }
/// # let _ = axum::Router::<()>::new().route("/orders/{owner}", axum::routing::get(order));
/// ```
#[derive(Clone, Debug)]
pub struct Rejected(Rejection);

impl Rejected {
    /// What the core decided: status, headers and, for the log, the reason.
    pub fn rejection(&self) -> &Rejection {
        &self.0
    }

    /// The same by value.
    ///
    /// ```
    /// use okta_verifier::Rejection;
    /// use okta_verifier_axum::Rejected;
    ///
    /// let rejected = Rejected::from(Rejection::insufficient_scope("orders:read")?);
    /// assert_eq!(rejected.rejection().status(), 403);
    ///
    /// // A response of another framework.
    /// let response: http::Response<String> = rejected.into_rejection().into_response();
    /// assert_eq!(response.status(), 403);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn into_rejection(self) -> Rejection {
        self.0
    }
}

impl From<Rejection> for Rejected {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl IntoResponse for Rejected {
    /// An empty body; the [`Rejection`] travels in the response's extensions.
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
