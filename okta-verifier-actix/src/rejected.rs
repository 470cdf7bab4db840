//! `Rejected`: a rejection as an actix-web error.

use std::{error::Error, fmt};

use okta_verifier::Rejection;

/// A rejection as an actix-web error. This is the error type of every extractor in this crate.
///
/// A handler that makes its own decisions can return `Rejected` as its error; `?` converts a
/// [`Rejection`]. The response has an empty body, and its extensions contain the [`Rejection`].
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::{Policy, Verifier};
/// use okta_verifier_actix::{Rejected, Verified, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
///
/// async fn order(token: Verified, owner: web::Path<String>) -> Result<String, Rejected> {
///     if *owner != token.subject() {
///         token.require(Policy::group("Admins"))?; // 403 for any other user
///     }
///     Ok(format!("an order of {owner}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let orders = web::scope("/orders")
///     .wrap(VerifyMiddleware::new(verifier))
///     .route("/{owner}", web::get().to(order));
/// let app = test::init_service(App::new().service(orders)).await;
///
/// let ada = format!("Bearer {}", okta.token("ada").sign());
/// let request = |path| test::TestRequest::get().uri(path).insert_header(("authorization", ada.as_str()));
/// assert_eq!(test::call_service(&app, request("/orders/ada").to_request()).await.status(), 200);
/// assert_eq!(test::call_service(&app, request("/orders/bob").to_request()).await.status(), 403);
/// # Ok(())
/// # }
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
    /// use okta_verifier_actix::Rejected;
    ///
    /// let rejected = Rejected::from(Rejection::insufficient_scope("orders:read")?);
    /// assert_eq!(rejected.rejection().status().as_u16(), 403);
    ///
    /// let rejection = rejected.into_rejection();
    /// assert!(rejection.headers().any(|(name, _)| name.as_str() == "www-authenticate"));
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
