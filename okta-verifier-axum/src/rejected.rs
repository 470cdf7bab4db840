//! `Rejected`: a rejection as an axum response.

use std::{error::Error, fmt};

use axum::response::{IntoResponse, Response};
use okta_verifier::Rejection;

/// A rejection as an axum response. This is the rejection type of every extractor in this crate.
///
/// A handler that makes its own decisions can return `Rejected` as its error; `?` converts a
/// [`Rejection`].
///
/// ```
/// use axum::extract::Path;
/// use okta_verifier::Policy;
/// use okta_verifier_axum::{Rejected, Verified};
///
/// async fn order(token: Verified, Path(owner): Path<String>) -> Result<String, Rejected> {
///     if owner != token.subject() {
///         token.require(Policy::group("Admins"))?; // 403 for any other user
///     }
///     Ok(format!("an order of {owner}"))
/// }
/// # let _ = axum::Router::<()>::new().route("/orders/{owner}", axum::routing::get(order));
/// ```
#[derive(Clone, Debug)]
pub struct Rejected(Rejection);

impl Rejected {
    /// Returns the inner [`Rejection`], which has the status, the headers and the reason for the log.
    pub fn rejection(&self) -> &Rejection {
        &self.0
    }

    /// Consumes the wrapper and returns the inner [`Rejection`].
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
    /// Returns a response with an empty body and with the [`Rejection`] in its extensions.
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
