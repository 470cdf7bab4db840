use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{Extensions, Uri};
use okta_verifier::{
    OwnedPolicy, Verifier,
    adapter::{Mount, Outcome},
};
use tower_layer::Layer;

use super::{Verify, hook::Hook};

/// Verifies the access token of each request and puts it into the request's extensions. Requests
/// without a valid token are rejected; [`optional`](Self::optional) also admits requests without
/// credentials.
///
/// The layer first removes any [`VerifiedToken`] and [`Anonymous`] that an outer layer inserted, so the
/// inner service sees only the result of this layer. The layer exempts no method and no path.
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
/// [`Anonymous`]: okta_verifier::adapter::Anonymous
/// [`VerifiedToken`]: okta_verifier::VerifiedToken
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct VerifyLayer(pub(super) Arc<Settings>);

/// The settings of a layer. They are shared, because tower and axum clone the service for every request.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) mount: Mount,
    pub(super) optional: bool,
    pub(super) expired_as_anonymous: bool,
    pub(super) max_introspection_age: Option<Duration>,
    pub(super) peer: Option<fn(&Extensions) -> Option<IpAddr>>,
    pub(super) original_uri: Option<fn(&Extensions) -> Option<&Uri>>,
    pub(super) grpc: bool,
    pub(super) strip_credentials: bool,
    pub(super) hook: Option<Hook>,
}

impl VerifyLayer {
    /// Returns a layer that rejects every request without a valid access token.
    pub fn new(verifier: Verifier) -> Self {
        Self(Arc::new(Settings {
            mount: Mount::new(verifier),
            optional: false,
            expired_as_anonymous: false,
            max_introspection_age: None,
            peer: None,
            original_uri: None,
            grpc: false,
            strip_credentials: false,
            hook: None,
        }))
    }

    /// Lets a request without any `Authorization` field pass as [`Anonymous`].
    ///
    /// Requests with an invalid token, another scheme, or a malformed or repeated field are still
    /// rejected, because the client meant to authenticate. A [`RequireLayer`] inside this layer rejects
    /// an anonymous request with the plain 401.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{adapter::Anonymous, Verifier};
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
    /// [`Anonymous`]: okta_verifier::adapter::Anonymous
    /// [`RequireLayer`]: crate::RequireLayer
    pub fn optional(mut self) -> Self {
        self.settings().optional = true;
        self
    }

    /// Lets a request whose token has expired pass as [`Anonymous`] too, behind an [`optional`](Self::optional)
    /// layer. Off by default, and without effect on a layer that is not optional.
    ///
    /// This applies only if the expiry (`exp` and the leeway) is the token's only defect: the signature, all
    /// other claims, and the proof or the certificate of a bound token are checked first. A token with another
    /// defect is rejected. So is an expired token that only an introspection response can verify:
    /// see [`RequestCredentials::expired_as_anonymous`](okta_verifier::adapter::RequestCredentials::expired_as_anonymous).
    /// Each such request leaves an event at `debug`. A handler or a [`RequireLayer`] inside this layer that
    /// requires a token rejects the request with the 401 of the expired token, so that the client requests
    /// another one.
    ///
    /// With this option, a client does not learn from an open page that its token has expired.
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
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let layer = VerifyLayer::new(verifier).optional().expired_as_anonymous();
    /// let service = layer.layer(service_fn(async |request: Request<()>| {
    ///     assert!(request.extensions().get::<VerifiedToken>().is_none());
    ///     Ok::<_, Infallible>(Response::new(()))
    /// }));
    ///
    /// let ask = |jwt: String| Request::get("/news").header("authorization", format!("Bearer {jwt}")).body(());
    /// let expired = ask(okta.token("ada").expired().sign())?;
    /// assert_eq!(service.clone().oneshot(expired).await?.status(), 200);
    ///
    /// let forged = ask(okta.token("ada").expired().tampered().sign())?;
    /// assert_eq!(service.oneshot(forged).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Anonymous`]: okta_verifier::adapter::Anonymous
    /// [`RequireLayer`]: crate::RequireLayer
    pub fn expired_as_anonymous(mut self) -> Self {
        self.settings().expired_as_anonymous = true;
        self
    }

    /// Rejects a token unless the issuer reported it as active at most `max_age` ago (RFC 7662). Use it
    /// for routes that must not accept a revoked token, such as a payment route. By default there is no
    /// such limit.
    ///
    /// If introspection is not configured for the token's issuer, the response is a 503: see
    /// [`RequestCredentials::max_introspection_age`](okta_verifier::adapter::RequestCredentials::max_introspection_age).
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// let introspection = Introspection::on_demand(client);
    /// let issuer = okta.issuer("api://default").any_client_id().introspection(introspection);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let list = VerifyLayer::new(verifier.clone()).layer(handler);
    /// let pay = VerifyLayer::new(verifier).max_introspection_age(Duration::ZERO).layer(handler);
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
    pub fn max_introspection_age(mut self, max_age: Duration) -> Self {
        self.settings().max_introspection_age = Some(max_age);
        self
    }

    /// Accepts tokens for this audience only, for one of several APIs behind one verifier. The audience is one
    /// of [`Issuer::audience`](okta_verifier::Issuer::audience). By default a token for any audience of its
    /// issuer is accepted. A token for another audience gets the 401 of an invalid token,
    /// and so does every token if no issuer has this audience. If a resource has this audience, the layer is one for
    /// this resource ([`resource`](Self::resource)).
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let issuer = okta.issuer().audience("api://billing").any_client_id(); // and api://orders
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let orders = VerifyLayer::new(verifier.clone()).audience("api://orders").layer(handler);
    /// let billing = VerifyLayer::new(verifier).audience("api://billing").layer(handler);
    ///
    /// let jwt = okta.token("ada").sign(); // for api://orders
    /// let ask = || Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
    /// assert_eq!(orders.oneshot(ask()?).await?.status(), 200);
    /// assert_eq!(billing.oneshot(ask()?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let settings = self.settings();
        settings.mount = settings.mount.clone().audience(audience);
        self
    }

    /// Accepts tokens for this resource only: one of
    /// [`VerifierBuilder::resource`](okta_verifier::VerifierBuilder::resource), by its URL as configured. Each challenge
    /// names its metadata (RFC 9728 §5.1).
    ///
    /// With one resource, that one is the default. With several, a layer must name one, or the audience of one
    /// ([`audience`](Self::audience)). Otherwise, with a URL that no resource has, and with an audience that is not that
    /// of the resource, each request is rejected with 500, and an event at `error` says what to write.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Policy, Resource, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// const FILES: &str = "https://mcp.example.com/files";
    /// const MAIL: &str = "https://mcp.example.com/mail";
    /// # let okta = TestIssuer::new(FILES);
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().audience(MAIL).any_client_id()) // and FILES
    ///     .resource(Resource::new(FILES))
    ///     .resource(Resource::new(MAIL))
    ///     .build()?;
    /// let files = VerifyLayer::new(verifier.clone()).resource(FILES).layer(handler);
    /// let mail = VerifyLayer::new(verifier).resource(MAIL).layer(handler);
    ///
    /// let jwt = okta.token("ada").sign(); // for FILES
    /// let ask = || Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
    /// assert_eq!(files.oneshot(ask()?).await?.status(), 200);
    /// let rejected = mail.oneshot(ask()?).await?;
    /// assert_eq!(rejected.status(), 401);
    /// let challenge = rejected.headers()["www-authenticate"].to_str()?;
    /// assert!(challenge.ends_with(r#"/.well-known/oauth-protected-resource/mail""#));
    /// # Ok(())
    /// # }
    /// ```
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        let settings = self.settings();
        settings.mount = settings.mount.clone().resource(url);
        self
    }

    /// Accepts only tokens that meet this policy, a [`Policy`](okta_verifier::Policy) or an [`OwnedPolicy`], for
    /// everything inside the layer. By default each verified token is accepted. A second call replaces the policy.
    ///
    /// The 401 of the layer names the scopes of the policy (RFC 6750 §3), of each
    /// [`Policy::any`](okta_verifier::Policy::any) those of the first alternative, so that a client without a token knows
    /// what to request. A policy inside the layer can only require more, and its challenge names the scopes of both,
    /// because a client may replace the scopes of its token by those of the challenge. An
    /// [`optional`](Self::optional) layer admits requests without credentials nevertheless.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Policy, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let service = VerifyLayer::new(verifier).require(Policy::scope("files:read")).layer(handler);
    /// let ask = |jwt: String| Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
    /// let reader = okta.token("ada").scope("files:read").sign();
    /// assert_eq!(service.clone().oneshot(ask(reader)?).await?.status(), 200);
    /// assert_eq!(service.clone().oneshot(ask(okta.token("bob").sign())?).await?.status(), 403);
    ///
    /// let rejected = service.oneshot(Request::get("/").body(())?).await?;
    /// assert_eq!(rejected.status(), 401);
    /// assert_eq!(rejected.headers()["www-authenticate"], r#"Bearer realm="api", scope="files:read""#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require(mut self, policy: impl Into<OwnedPolicy>) -> Self {
        let settings = self.settings();
        settings.mount = settings.mount.clone().require(policy);
        self
    }

    /// Removes `Authorization` and `DPoP` from each request before the inner service receives it, so that the inner
    /// service can neither log the token nor pass it on to another service. Off by default. The token's claims remain
    /// in the request's extensions. A [`VerifyLayer`] inside cannot verify the request again.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let service = VerifyLayer::new(verifier).strip_credentials().layer(service_fn(async |request: Request<()>| {
    ///     assert!(!request.headers().contains_key("authorization"));
    ///     Ok::<_, Infallible>(Response::new(()))
    /// }));
    /// let ask = |jwt: String| Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
    /// assert_eq!(service.clone().oneshot(ask(okta.token("ada").sign())?).await?.status(), 200);
    /// assert_eq!(service.oneshot(ask(okta.token("ada").expired().sign())?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn strip_credentials(mut self) -> Self {
        self.settings().strip_credentials = true;
        self
    }

    /// Sets the function that reads the peer's IP address from the request's extensions. By default the
    /// address is unknown, and no proxy is trusted.
    ///
    /// This function is required with [`VerifierBuilder::trusted_proxies`]: without it, a request that
    /// needs the proxy's header fields is rejected.
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
    /// [`VerifierBuilder::trusted_proxies`]: okta_verifier::VerifierBuilder::trusted_proxies
    pub fn peer(mut self, read: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.settings().peer = Some(read);
        self
    }

    /// Sets the function that reads the original URI of a request from the request's extensions. The
    /// function is required behind every router that shortens or rewrites the path. By default, and if the
    /// function returns `None`, the layer uses the URI of the request.
    ///
    /// A DPoP proof is made for the whole path (`htu`, RFC 9449 §4.3). Without this function, a layer
    /// behind such a router compares the proof with the shortened path: it **accepts a proof for the
    /// shortened path**, which belongs to another resource, and rejects a correct proof. With axum, use
    /// `okta_verifier_axum::VerifyLayer`, which reads `OriginalUri` itself.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response, Uri};
    /// # use okta_verifier::{Verifier, dpop::DpopSettings};
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// /// The URI that the outer router stores in the extensions before it removes `/v1`.
    /// #[derive(Clone)]
    /// struct WholeUri(Uri);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let dpop = DpopSettings::base_url("https://api.example.com");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).dpop(dpop).build()?;
    /// let layer = VerifyLayer::new(verifier)
    ///     .original_uri(|extensions| extensions.get::<WholeUri>().map(|uri| &uri.0));
    /// let service = layer.layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
    ///
    /// let client = Client::new();
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// for (htu, status) in [
    ///     ("https://api.example.com/v1/orders", 200),
    ///     ("https://api.example.com/orders", 401), // another resource
    /// ] {
    ///     let request = Request::get("/orders") // the router removed `/v1`
    ///         .extension(WholeUri(Uri::from_static("/v1/orders")))
    ///         .header("authorization", format!("DPoP {jwt}"))
    ///         .header("dpop", client.proof("GET", htu).token(&jwt).sign());
    ///     assert_eq!(service.clone().oneshot(request.body(())?).await?.status(), status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn original_uri(mut self, read: fn(&Extensions) -> Option<&Uri>) -> Self {
        self.settings().original_uri = Some(read);
        self
    }

    /// Rejects gRPC requests in the form that gRPC clients read: HTTP 200 with `grpc-status` among the
    /// headers and no body (`Trailers-Only`). Off by default.
    ///
    /// A request counts as gRPC if it is a `POST` over HTTP/2 with `te: trailers` and exactly one
    /// `content-type`, which is `application/grpc`, alone or followed by `+` or `;`. Every gRPC client
    /// sends these. All other requests get the plain HTTP rejection.
    ///
    /// **Leave this option off if a forward-auth proxy asks this service for permission**, even if the
    /// service handles both gRPC and plain HTTP. Such a proxy treats every 2xx status as permission. If the
    /// proxy forwards the method, the HTTP version and all headers of the client's request, the client
    /// decides whether the request counts as gRPC. Give the endpoint for the proxy a separate layer without
    /// this option.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response, Version};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let service = VerifyLayer::new(verifier).grpc().layer(handler);
    /// let call = || {
    ///     Request::post("/orders.v1.Orders/List")
    ///         .version(Version::HTTP_2)
    ///         .header("content-type", "application/grpc")
    /// };
    ///
    /// let rejected = service.clone().oneshot(call().header("te", "trailers").body(())?).await?;
    /// assert_eq!((rejected.status().as_u16(), &rejected.headers()["grpc-status"]), (200, &"16".parse()?));
    ///
    /// // A request without `te` does not count as gRPC.
    /// let rejected = service.clone().oneshot(call().body(())?).await?;
    /// assert_eq!(rejected.status(), 401);
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign());
    /// let served = call().header("te", "trailers").header("authorization", bearer);
    /// assert!(!service.oneshot(served.body(())?).await?.headers().contains_key("grpc-status"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn grpc(mut self) -> Self {
        self.settings().grpc = true;
        self
    }

    /// Calls `hook` with the outcome of each request, exactly once, for audit logs and for metrics with labels of the
    /// application. By default no hook is set, and none costs nothing. A second call replaces the hook.
    ///
    /// The hook is called when the head of the response is ready, or when the request is dropped. A rejection by a
    /// [`RequireLayer`](crate::RequireLayer), an extractor or a handler inside the layer is seen too, if the response
    /// still has the [`Rejection`](okta_verifier::Rejection) in its extensions. An error of the inner service counts as
    /// accepted, because the token was accepted. If layers are nested, each calls its own hook.
    ///
    /// The extensions are those of the request when it left the layer. They contain the
    /// [`VerifiedToken`](okta_verifier::VerifiedToken) of an accepted request, also if a policy rejected the request
    /// afterwards. The hook must not block. If it panics, the request ends as if the handler had panicked. A panic of
    /// the hook while a request is dropped has no effect.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use std::sync::{Arc, Mutex};
    /// # use http::{Request, Response};
    /// # use okta_verifier::{OwnedPolicy, Verifier, adapter::{Mount, Outcome}};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::VerifyLayer;
    /// # use tower::{ServiceBuilder, ServiceExt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let audit = log.clone();
    /// let layer = VerifyLayer::new(verifier).on_outcome(move |outcome, _extensions| {
    ///     let line = match outcome {
    ///         Outcome::Accepted(token) => format!("{} was accepted", token.subject()),
    ///         Outcome::Rejected(rejection) => format!("rejected: {}", rejection.code()),
    ///         other => other.name().to_owned(),
    ///     };
    ///     audit.lock().unwrap().push(line);
    /// });
    /// let service = ServiceBuilder::new()
    ///     .layer(layer)
    ///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign());
    /// service.clone().oneshot(Request::get("/").header("authorization", bearer).body(())?).await?;
    /// service.oneshot(Request::get("/").body(())?).await?;
    /// assert_eq!(*log.lock().unwrap(), ["ada was accepted", "rejected: no_credentials"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_outcome(
        mut self,
        hook: impl Fn(Outcome<'_>, &Extensions) + Send + Sync + 'static,
    ) -> Self {
        self.settings().hook = Some(Hook::new(hook));
        self
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.0)
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, self.0.clone())
    }
}
