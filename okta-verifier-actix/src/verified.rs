use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use okta_verifier::{Anonymous, AnyToken, Policy, Rejection, Requirement, VerifiedToken};

use crate::Rejected;

/// The request's verified access token, which meets `R`; any valid token when `R` is not named.
///
/// It dereferences to [`VerifiedToken`]. Several `Verified` in one handler are all checked, in order.
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
/// let ask = |jwt: String| {
///     let bearer = ("authorization", format!("Bearer {jwt}"));
///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
/// };
/// let admin = okta.token("ada").group("Admins").sign();
/// assert_eq!(test::call_service(&app, ask(admin)).await.status(), 200);
///
/// let other = okta.token("bob").sign();
/// assert_eq!(test::call_service(&app, ask(other)).await.status(), 403);
/// # Ok(())
/// # }
/// ```
///
/// `R` has to be a [`Requirement`]; a bare marker type does not compile:
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
/// # Never as `Option<Verified>`
///
/// actix-web makes an extractor of every `Option<T>` and `Result<T, E>` by itself, and this crate
/// cannot forbid it. `Option<Verified<R>>` is `None` for *every* refusal: for a caller whose token
/// lacks what `R` demands, and for a route whose middleware was forgotten. Both would be served as
/// if nobody had called. A handler that serves callers with and without a token takes
/// [`MaybeVerified`](crate::MaybeVerified), which refuses both.
pub struct Verified<R: Requirement = AnyToken> {
    token: VerifiedToken,
    requirement: PhantomData<fn() -> R>,
}

impl<R: Requirement> Verified<R> {
    /// The token by value, to keep beyond the request or to pass on.
    ///
    /// ```
    /// use okta_verifier::VerifiedToken;
    /// use okta_verifier_actix::Verified;
    ///
    /// async fn order(token: Verified) -> &'static str {
    ///     let token: VerifiedToken = token.into_token(); // two words: what it says is shared
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

/// The token that the middleware found, once `policy` is met.
pub(crate) fn admitted(policy: Policy, request: &HttpRequest) -> Result<VerifiedToken, Rejection> {
    let extensions = request.extensions();
    let token = extensions.get::<VerifiedToken>();
    policy.admit(token, extensions.get::<Anonymous>())?;
    // `admit` says yes to a token alone. Were it ever to say yes to nothing, this stays closed.
    token.cloned().ok_or_else(Rejection::missing_layer)
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
