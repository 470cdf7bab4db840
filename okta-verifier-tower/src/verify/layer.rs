use std::{net::IpAddr, time::Duration};

use http::{Extensions, Uri};
use okta_verifier::Verifier;
use tower_layer::Layer;

use super::{Verify, credentials::Reading};

/// Lets a request pass only with a valid access token, which it puts into the request's extensions.
///
/// The layer first removes any [`VerifiedToken`] and [`Anonymous`] that an earlier layer left behind;
/// what the service reads afterwards is this layer's own verdict. It exempts no method and no path.
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use okta_verifier::{VerifiedToken, Verifier};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier_tower::VerifyLayer;
/// # use tower::{Layer, ServiceExt, service_fn};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let service = VerifyLayer::new(verifier).layer(service_fn(async |request: Request<()>| {
///     let token = request.extensions().get::<VerifiedToken>();
///     assert_eq!(token.map(VerifiedToken::subject), Some("ada"));
///     Ok::<_, Infallible>(Response::new(()))
/// }));
///
/// let good = Request::get("/me").header("authorization", format!("Bearer {}", okta.token("ada").sign()));
/// assert_eq!(service.clone().oneshot(good.body(())?).await?.status(), 200);
///
/// let bad = Request::get("/me").header("authorization", "Bearer a.b.c");
/// assert_eq!(service.oneshot(bad.body(())?).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// [`Anonymous`]: okta_verifier::Anonymous
/// [`VerifiedToken`]: okta_verifier::VerifiedToken
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct VerifyLayer {
    verifier: Verifier,
    optional: bool,
    reading: Reading,
}

impl VerifyLayer {
    /// A strict layer: a request without a valid access token is refused.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            optional: false,
            reading: Reading::default(),
        }
    }

    /// Lets a request without any `Authorization` field pass as [`Anonymous`].
    ///
    /// Only that one: a bad token, a malformed or repeated field and another scheme are refused as
    /// ever, for the caller meant to authenticate. A [`RequireLayer`] further in answers an anonymous
    /// request with the plain 401.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Anonymous, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let layer = VerifyLayer::new(verifier).optional();
    /// let service = layer.layer(service_fn(async |request: Request<()>| {
    ///     assert!(request.extensions().get::<Anonymous>().is_some());
    ///     Ok::<_, Infallible>(Response::new(()))
    /// }));
    ///
    /// let without = Request::get("/news").body(())?;
    /// assert_eq!(service.clone().oneshot(without).await?.status(), 200);
    ///
    /// let basic = Request::get("/news").header("authorization", "Basic YWRhOmFkYQ==").body(())?;
    /// assert_eq!(service.oneshot(basic).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Anonymous`]: okta_verifier::Anonymous
    /// [`RequireLayer`]: crate::RequireLayer
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Demands that the issuer was asked about the token no longer ago than this, for routes where a
    /// revoked token must not pass: a payment route can be strict while a listing one is not.
    ///
    /// Without introspection for the token's issuer the answer is 503: see
    /// [`Presented::checked_within`](okta_verifier::Presented::checked_within).
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use http::{Request, Response};
    /// # use okta_verifier::{ClientAuthentication, Introspection, Verifier};
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// let asking = Introspection::on_demand(client);
    /// let issuer = okta.issuer("api://default").any_client_id().introspection(asking);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let list = VerifyLayer::new(verifier.clone()).layer(handler);
    /// let pay = VerifyLayer::new(verifier).checked_within(Duration::ZERO).layer(handler);
    ///
    /// let jwt = okta.token("ada").sign();
    /// let ask = || Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
    /// assert_eq!(pay.clone().oneshot(ask()?).await?.status(), 200);
    /// okta.revoke(&jwt);
    /// assert_eq!(list.oneshot(ask()?).await?.status(), 200);
    /// assert_eq!(pay.oneshot(ask()?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn checked_within(mut self, max_age: Duration) -> Self {
        self.reading.checked_within = Some(max_age);
        self
    }

    /// Where the request's extensions say the address at the other end of the connection. It is
    /// needed where a proxy is trusted: [`DpopSettings::trusted_proxy`],
    /// [`VerifierBuilder::client_cert_header_from`]. Without it no proxy is known, and what only a
    /// proxy can say is refused.
    ///
    /// With axum, behind `into_make_service_with_connect_info::<SocketAddr>()`:
    ///
    /// ```
    /// # mod axum { pub mod extract { #[derive(Clone)] pub struct ConnectInfo<T>(pub T); } }
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_tower::VerifyLayer;
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    ///
    /// # fn layer(verifier: Verifier) -> VerifyLayer {
    /// VerifyLayer::new(verifier)
    ///     .peer(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()))
    /// # }
    /// ```
    ///
    /// [`DpopSettings::trusted_proxy`]: okta_verifier::DpopSettings::trusted_proxy
    /// [`VerifierBuilder::client_cert_header_from`]: okta_verifier::VerifierBuilder::client_cert_header_from
    pub fn peer(mut self, read: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.reading.peer = Some(read);
        self
    }

    /// Where the request's extensions say its URI as it was sent, for routers that shorten it: a
    /// DPoP proof is for the whole path. `None` from it: the request's own URI is the whole one.
    ///
    /// With axum, needed inside `Router::nest`:
    ///
    /// ```
    /// # mod axum { pub mod extract { #[derive(Clone)] pub struct OriginalUri(pub http::Uri); } }
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_tower::VerifyLayer;
    /// use axum::extract::OriginalUri;
    ///
    /// # fn layer(verifier: Verifier) -> VerifyLayer {
    /// VerifyLayer::new(verifier)
    ///     .original_uri(|extensions| extensions.get::<OriginalUri>().map(|uri| &uri.0))
    /// # }
    /// ```
    pub fn original_uri(mut self, read: fn(&Extensions) -> Option<&Uri>) -> Self {
        self.reading.original_uri = Some(read);
        self
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, self.verifier.clone(), self.optional, self.reading)
    }
}
