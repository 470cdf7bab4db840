//! `Verified<R>`: a verified token that meets the requirement `R`.

use std::{fmt, marker::PhantomData, ops::Deref};

use axum::extract::FromRequestParts;
use http::{Extensions, request::Parts};
use okta_verifier::{AnyToken, Policy, Rejection, Requirement, VerifiedToken, adapter::Anonymous};

use crate::Rejected;

/// Extracts the request's verified access token and rejects the request unless the token meets `R`. By
/// default any valid token is accepted.
///
/// `Verified` dereferences to [`VerifiedToken`]. If a handler has several `Verified` arguments, they
/// are checked in order.
///
/// ```
/// use okta_verifier::{Policy, Requirement};
/// use okta_verifier_axum::Verified;
///
/// struct Admin;
///
/// impl Requirement for Admin {
///     const POLICY: Policy = Policy::group("Admins");
/// }
///
/// async fn audit(token: Verified<Admin>) -> String {
///     format!("hello {}", token.subject())
/// }
/// # let _ = axum::Router::<()>::new().route("/audit", axum::routing::get(audit));
/// ```
///
/// `R` must implement [`Requirement`]; another type does not compile:
///
/// ```compile_fail,E0277
/// use okta_verifier_axum::Verified;
///
/// struct Admin;
///
/// async fn audit(token: Verified<Admin>) -> String {
///     token.subject().to_owned()
/// }
/// ```
///
/// `Option<Verified>` is not an extractor, because it would turn a rejection into "no token". A
/// handler that serves requests with and without a token takes [`MaybeVerified`](crate::MaybeVerified).
///
/// ```compile_fail,E0277
/// use okta_verifier_axum::Verified;
///
/// async fn news(token: Option<Verified>) -> &'static str {
///     "news"
/// }
/// let _ = axum::Router::<()>::new().route("/news", axum::routing::get(news));
/// ```
pub struct Verified<R: Requirement = AnyToken> {
    token: VerifiedToken,
    requirement: PhantomData<fn() -> R>,
}

impl<R: Requirement> Verified<R> {
    /// Consumes the extractor and returns the token, which can outlive the request.
    ///
    /// ```
    /// use okta_verifier::VerifiedToken;
    /// use okta_verifier_axum::Verified;
    ///
    /// async fn order(token: Verified) -> &'static str {
    ///     let token: VerifiedToken = token.into_token(); // one pointer; the claims are shared
    ///     tokio::spawn(async move { println!("packing for {}", token.subject()) });
    ///     "it is being packed"
    /// }
    /// # let _ = axum::Router::<()>::new().route("/orders", axum::routing::post(order));
    /// ```
    pub fn into_token(self) -> VerifiedToken {
        self.token
    }
}

impl<R: Requirement> Deref for Verified<R> {
    type Target = VerifiedToken;

    fn deref(&self) -> &VerifiedToken {
        &self.token
    }
}

impl<R: Requirement, S: Sync> FromRequestParts<S> for Verified<R> {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejected> {
        let token = admitted(R::POLICY, &parts.extensions)?.clone();
        Ok(Self {
            token,
            requirement: PhantomData,
        })
    }
}

/// Returns the token that the layer verified, or a rejection if the token is missing or does not meet
/// `policy`.
pub(crate) fn admitted(
    policy: Policy,
    extensions: &Extensions,
) -> Result<&VerifiedToken, Rejection> {
    let token = extensions.get::<VerifiedToken>();
    let anonymous = match token {
        Some(_) => None, // it would not be read
        None => extensions.get::<Anonymous>(),
    };
    policy.admit(token, anonymous)
}

impl<R: Requirement> Clone for Verified<R> {
    fn clone(&self) -> Self {
        Self {
            token: self.token.clone(),
            requirement: PhantomData,
        }
    }
}

impl<R: Requirement> fmt::Debug for Verified<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(&self.token).finish()
    }
}
