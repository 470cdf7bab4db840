//! `MaybeVerified<R>`: the verified token, or `None` if an optional middleware admitted the request
//! without a token.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use okta_verifier::{AnyToken, Requirement, VerifiedToken, adapter::Anonymous};

use crate::{Rejected, Verified};

/// Extracts the request's verified access token, if any, behind an optional middleware.
///
/// The token is absent only if the request had no `Authorization` field. The middleware rejects invalid
/// credentials, and this extractor rejects a token that does not meet `R`.
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::Verifier;
/// use okta_verifier_actix::{MaybeVerified, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
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
/// let verify = VerifyMiddleware::new(verifier).optional();
/// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(news))).await;
///
/// let anonymous = test::TestRequest::get().uri("/").to_request();
/// assert_eq!(test::call_service(&app, anonymous).await.status(), 200);
///
/// let bad = test::TestRequest::get().uri("/").insert_header(("authorization", "Bearer a.b.c"));
/// assert_eq!(test::call_service(&app, bad.to_request()).await.status(), 401);
/// # Ok(())
/// # }
/// ```
pub struct MaybeVerified<R: Requirement = AnyToken>(Option<Verified<R>>);

impl<R: Requirement> MaybeVerified<R> {
    /// Returns the token, or `None` if the request had no credentials.
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.0.as_deref()
    }

    /// Consumes the extractor and returns the token, or `None` if the request had no credentials. The
    /// [`Verified<R>`] proves that the token meets `R`.
    ///
    /// ```
    /// # use okta_verifier::{Policy, Requirement};
    /// use okta_verifier_actix::{MaybeVerified, Verified};
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
    /// # let _ = actix_web::web::get().to(orders);
    /// ```
    pub fn into_verified(self) -> Option<Verified<R>> {
        self.0
    }

    fn of(request: &HttpRequest) -> Result<Self, Rejected> {
        if is_anonymous(request) {
            return Ok(Self(None));
        }
        Verified::of(request).map(|token| Self(Some(token)))
    }
}

impl<R: Requirement> FromRequest for MaybeVerified<R> {
    type Error = Rejected;
    type Future = Ready<Result<Self, Rejected>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

fn is_anonymous(request: &HttpRequest) -> bool {
    let extensions = request.extensions();
    !extensions.contains::<VerifiedToken>() && extensions.contains::<Anonymous>()
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
