//! `MaybeVerified<R>`: the verified token, or `None` if an optional layer admitted the request
//! without a token.

use std::fmt;

use axum::extract::FromRequestParts;
use http::request::Parts;
use okta_verifier::{AnyToken, Requirement, VerifiedToken, adapter::Anonymous};

use crate::{Rejected, Verified};

/// Extracts the request's verified access token, if any, behind an optional layer.
///
/// The token is absent only if the request had no `Authorization` field. The layer rejects invalid
/// credentials, and this extractor rejects a token that does not meet `R`.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use okta_verifier::Verifier;
/// use okta_verifier_axum::{MaybeVerified, VerifyLayer};
/// # use okta_verifier_testing::TestIssuer;
/// # use tower::ServiceExt;
///
/// async fn news(client: MaybeVerified) -> String {
///     match client.token() {
///         Some(token) => format!("news for {}", token.subject()),
///         None => "news for everyone".to_owned(),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://news");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let app = Router::new().route("/", get(news)).route_layer(VerifyLayer::new(verifier).optional());
///
/// let anonymous = Request::get("/").body(Body::empty())?;
/// assert_eq!(app.clone().oneshot(anonymous).await?.status(), 200);
///
/// let bad = Request::get("/").header("authorization", "Bearer a.b.c").body(Body::empty())?;
/// assert_eq!(app.oneshot(bad).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
pub struct MaybeVerified<R: Requirement = AnyToken>(Option<Verified<R>>);

impl<R: Requirement> MaybeVerified<R> {
    /// Returns the token, or `None` if the request had no credentials.
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.0.as_deref()
    }

    /// Consumes the extractor and returns the token, or `None` if the request had no credentials.
    /// The [`Verified<R>`] proves that the token meets `R`.
    ///
    /// ```
    /// # use okta_verifier::{Policy, Requirement};
    /// use okta_verifier_axum::{MaybeVerified, Verified};
    /// # struct ReadOrders;
    /// # impl Requirement for ReadOrders {
    /// #     const POLICY: Policy = Policy::scope("orders:read");
    /// # }
    ///
    /// /// A `Verified<ReadOrders>` proves that the scope was checked.
    /// fn all(token: &Verified<ReadOrders>) -> String {
    ///     format!("all orders of {}", token.subject())
    /// }
    ///
    /// async fn orders(client: MaybeVerified<ReadOrders>) -> String {
    ///     client.into_verified().map_or("a sample".to_owned(), |token| all(&token))
    /// }
    /// # let _ = axum::Router::<()>::new().route("/orders", axum::routing::get(orders));
    /// ```
    pub fn into_verified(self) -> Option<Verified<R>> {
        self.0
    }
}

impl<R: Requirement, S: Sync> FromRequestParts<S> for MaybeVerified<R> {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejected> {
        let extensions = &parts.extensions;
        let token = extensions.get::<VerifiedToken>();
        if token.is_none() && extensions.get::<Anonymous>().is_some() {
            return Ok(Self(None));
        }
        Verified::from_request_parts(parts, state)
            .await
            .map(|token| Self(Some(token)))
    }
}

impl<R: Requirement> Clone for MaybeVerified<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Requirement> fmt::Debug for MaybeVerified<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MaybeVerified").field(&self.token()).finish()
    }
}
