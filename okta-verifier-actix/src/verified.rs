//! `Verified<R>`: a verified token that meets the requirement `R`.

use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use okta_verifier::{AnyToken, Policy, Rejection, Requirement, VerifiedToken, adapter::Anonymous};

use crate::Rejected;

/// Extracts the request's verified access token and rejects the request unless the token meets `R`. By
/// default any valid token is accepted.
///
/// `Verified` dereferences to [`VerifiedToken`]. If a handler has several `Verified` arguments, they
/// are checked in order.
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::{Policy, Requirement, Verifier};
/// use okta_verifier_actix::{Verified, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
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
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://audit");
/// # let verify = VerifyMiddleware::new(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
/// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(audit))).await;
///
/// let request = |jwt: String| {
///     let bearer = ("authorization", format!("Bearer {jwt}"));
///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
/// };
/// let admin = okta.token("ada").group("Admins").sign();
/// assert_eq!(test::call_service(&app, request(admin)).await.status(), 200);
///
/// let other = okta.token("bob").sign();
/// assert_eq!(test::call_service(&app, request(other)).await.status(), 403);
/// # Ok(())
/// # }
/// ```
///
/// `R` must implement [`Requirement`]; another type does not compile:
///
/// ```compile_fail,E0277
/// use okta_verifier_actix::Verified;
///
/// struct Admin;
///
/// async fn audit(token: Verified<Admin>) -> String {
///     token.subject().to_owned()
/// }
/// ```
///
/// # Do not use `Option<Verified>`
///
/// actix-web makes every `Option<T>` and `Result<T, E>` an extractor, and this crate cannot prevent it.
/// `Option<Verified<R>>` is `None` for *every* rejection, so a handler would treat a request whose token
/// does not meet `R`, and every request to a route without the middleware, as anonymous. A handler that
/// serves requests with and without a token takes [`MaybeVerified`](crate::MaybeVerified), which rejects
/// these requests.
pub struct Verified<R: Requirement = AnyToken> {
    token: VerifiedToken,
    requirement: PhantomData<fn() -> R>,
}

impl<R: Requirement> Verified<R> {
    /// Consumes the extractor and returns the token, which can outlive the request.
    ///
    /// ```
    /// use okta_verifier::VerifiedToken;
    /// use okta_verifier_actix::Verified;
    ///
    /// async fn order(token: Verified) -> &'static str {
    ///     let token: VerifiedToken = token.into_token(); // one pointer; the claims are shared
    ///     tokio::spawn(async move { println!("packing for {}", token.subject()) });
    ///     "it is being packed"
    /// }
    /// # let _ = actix_web::web::post().to(order);
    /// ```
    pub fn into_token(self) -> VerifiedToken {
        self.token
    }

    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Rejected> {
        Ok(Self {
            token: admitted(R::POLICY, request)?,
            requirement: PhantomData,
        })
    }
}

impl<R: Requirement> Deref for Verified<R> {
    type Target = VerifiedToken;

    fn deref(&self) -> &VerifiedToken {
        &self.token
    }
}

impl<R: Requirement> FromRequest for Verified<R> {
    type Error = Rejected;
    type Future = Ready<Result<Self, Rejected>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Returns the token that the middleware verified, or a rejection if the token is missing or does not meet
/// `policy`.
pub(crate) fn admitted(policy: Policy, request: &HttpRequest) -> Result<VerifiedToken, Rejection> {
    let extensions = request.extensions();
    let token = extensions.get::<VerifiedToken>();
    policy.admit(token, extensions.get::<Anonymous>()).cloned()
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
