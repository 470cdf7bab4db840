use std::{net::IpAddr, time::Duration};

use axum::extract::OriginalUri;
use http::Extensions;
use okta_verifier::{OwnedPolicy, Verifier, adapter::Outcome};
use okta_verifier_tower::Verify;
use tower_layer::Layer;

/// Verifies the access token of each request and makes it available to the extractors. Requests without
/// a valid token are rejected; [`optional`](Self::optional) also admits requests without credentials.
///
/// This is [`okta_verifier_tower::VerifyLayer`] for axum. It reads [`OriginalUri`], so a DPoP proof
/// (RFC 9449 §4.3) is compared with the whole path of the request. `Router::nest` and
/// `Router::nest_service` pass on only a part of the path. A service around the router that rewrites
/// the path must insert [`OriginalUri`] first; axum keeps an [`OriginalUri`] that is already present.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use okta_verifier::{Verifier, dpop::DpopSettings};
/// use okta_verifier_axum::{Verified, VerifyLayer};
/// # use okta_verifier_testing::{Client, TestIssuer};
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let client = Client::new();
/// let verifier = Verifier::builder()
///     .issuer(okta.issuer().any_client_id())
///     .dpop(DpopSettings::base_url("https://api.example.com"))
///     .build()?;
/// let v1 = Router::new()
///     .route("/orders", get(async |token: Verified| token.subject().to_owned()))
///     .route_layer(VerifyLayer::new(verifier));
/// let app = Router::new().nest("/v1", v1);
///
/// let jwt = client.bind(okta.token("ada")).sign();
/// for (htu, status) in [
///     ("https://api.example.com/v1/orders", 200),
///     ("https://api.example.com/orders", 401), // the proof of another URL
/// ] {
///     let request = Request::get("/v1/orders")
///         .header("authorization", format!("DPoP {jwt}"))
///         .header("dpop", client.proof("GET", htu).token(&jwt).sign());
///     assert_eq!(app.clone().oneshot(request.body(Body::empty())?).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a router"]
pub struct VerifyLayer(okta_verifier_tower::VerifyLayer);

impl VerifyLayer {
    /// Returns a layer that rejects every request without a valid access token.
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::Verifier;
    /// use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let app = Router::new()
    ///     .route("/me", get(async |token: Verified| token.subject().to_owned()))
    ///     .route_layer(VerifyLayer::new(verifier));
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign());
    /// let served = Request::get("/me").header("authorization", bearer).body(Body::empty())?;
    /// assert_eq!(app.clone().oneshot(served).await?.status(), 200);
    ///
    /// let rejected = Request::get("/me").body(Body::empty())?;
    /// assert_eq!(app.oneshot(rejected).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(verifier: Verifier) -> Self {
        let layer = okta_verifier_tower::VerifyLayer::new(verifier);
        // RFC 9449 §4.3: `htu` is the URL of the whole request. A nested router sees only a part of its
        // path.
        Self(layer.original_uri(|extensions| Some(&extensions.get::<OriginalUri>()?.0)))
    }

    /// Lets a request without any `Authorization` field pass as anonymous, for handlers that take
    /// [`MaybeVerified`](crate::MaybeVerified). Off by default.
    ///
    /// Requests with an invalid token, another scheme, or a malformed or repeated field are still
    /// rejected: see [`okta_verifier_tower::VerifyLayer::optional`].
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::Verifier;
    /// use okta_verifier_axum::{MaybeVerified, VerifyLayer};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let app = Router::new()
    ///     .route("/news", get(async |_: MaybeVerified| "news"))
    ///     .route_layer(VerifyLayer::new(verifier).optional());
    ///
    /// let anonymous = Request::get("/news").body(Body::empty())?;
    /// assert_eq!(app.clone().oneshot(anonymous).await?.status(), 200);
    ///
    /// let bad = Request::get("/news").header("authorization", "Bearer a.b.c").body(Body::empty())?;
    /// assert_eq!(app.oneshot(bad).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn optional(self) -> Self {
        Self(self.0.optional())
    }

    /// Lets a request whose token has expired pass as anonymous too, behind an [`optional`](Self::optional) layer.
    /// Off by default, and without effect on a layer that is not optional.
    ///
    /// This applies only if the expiry is the token's only defect. A handler that takes
    /// [`Verified`](crate::Verified) rejects the request with the 401 of the expired token: see
    /// [`okta_verifier_tower::VerifyLayer::expired_as_anonymous`].
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::Verifier;
    /// use okta_verifier_axum::{MaybeVerified, VerifyLayer};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let app = Router::new()
    ///     .route("/news", get(async |client: MaybeVerified| assert!(client.token().is_none())))
    ///     .route_layer(VerifyLayer::new(verifier).optional().expired_as_anonymous());
    ///
    /// let ask = |jwt: String| {
    ///     Request::get("/news").header("authorization", format!("Bearer {jwt}")).body(Body::empty())
    /// };
    /// let expired = ask(okta.token("ada").expired().sign())?;
    /// assert_eq!(app.clone().oneshot(expired).await?.status(), 200);
    ///
    /// let forged = ask(okta.token("ada").expired().tampered().sign())?;
    /// assert_eq!(app.oneshot(forged).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn expired_as_anonymous(self) -> Self {
        Self(self.0.expired_as_anonymous())
    }

    /// Rejects a token unless the issuer reported it as active at most `max_age` ago (RFC 7662). Use it
    /// for routes that must not accept a revoked token. By default there is no such limit.
    ///
    /// If introspection is not configured for the token's issuer, the response is a 503: see
    /// [`okta_verifier_tower::VerifyLayer::max_introspection_age`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// # let introspection = Introspection::on_demand(client);
    /// # let issuer = okta.issuer("api://default").any_client_id().introspection(introspection);
    /// # let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let app = Router::new()
    ///     .route("/pay", get(async |_: Verified| "paid"))
    ///     .route_layer(VerifyLayer::new(verifier).max_introspection_age(Duration::ZERO));
    ///
    /// let jwt = okta.token("ada").sign();
    /// let pay = || Request::get("/pay").header("authorization", format!("Bearer {jwt}")).body(Body::empty());
    /// assert_eq!(app.clone().oneshot(pay()?).await?.status(), 200);
    /// okta.revoke(&jwt);
    /// assert_eq!(app.oneshot(pay()?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_introspection_age(self, max_age: Duration) -> Self {
        Self(self.0.max_introspection_age(max_age))
    }

    /// Accepts tokens for this audience only, for one of several APIs behind one verifier. The audience is one
    /// of [`Issuer::audience`](okta_verifier::Issuer::audience). By default a token for any audience of its
    /// issuer is accepted. A token for another audience gets the 401 of an invalid token,
    /// and so does every token if no issuer has this audience. If a resource has this audience, the layer is one for
    /// this resource ([`resource`](Self::resource)).
    ///
    /// ```
    /// # use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().audience("api://billing").any_client_id(); // and api://orders
    /// let layer = VerifyLayer::new(Verifier::builder().issuer(issuer).build()?);
    /// let api = || Router::new().route("/", get(async |_: Verified| "done"));
    /// let orders = api().route_layer(layer.clone().audience("api://orders"));
    /// let billing = api().route_layer(layer.audience("api://billing"));
    ///
    /// let jwt = okta.token("ada").sign(); // for api://orders
    /// let ask = || Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty());
    /// assert_eq!(orders.oneshot(ask()?).await?.status(), 200);
    /// assert_eq!(billing.oneshot(ask()?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self(self.0.audience(audience))
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
    /// # use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::{Resource, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// const FILES: &str = "https://mcp.example.com/files";
    /// const MAIL: &str = "https://mcp.example.com/mail";
    /// # let okta = TestIssuer::new(FILES);
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().audience(MAIL).any_client_id()) // and FILES
    ///     .resource(Resource::new(FILES))
    ///     .resource(Resource::new(MAIL))
    ///     .build()?;
    /// let verify = VerifyLayer::new(verifier);
    /// let api = || Router::new().route("/", get(async |_: Verified| "done"));
    /// let files = api().route_layer(verify.clone().resource(FILES));
    /// let mail = api().route_layer(verify.clone().resource(MAIL));
    /// let neither = api().route_layer(verify);
    ///
    /// let jwt = okta.token("ada").sign(); // for FILES
    /// let ask = || Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty());
    /// assert_eq!(files.oneshot(ask()?).await?.status(), 200);
    /// assert_eq!(mail.oneshot(ask()?).await?.status(), 401);
    /// assert_eq!(neither.oneshot(ask()?).await?.status(), 500);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resource(self, url: impl Into<String>) -> Self {
        Self(self.0.resource(url))
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
    /// # use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::{Policy, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let verify = VerifyLayer::new(verifier).require(Policy::scope("files:read"));
    /// let app = Router::new().route("/", get(async |_: Verified| "files")).route_layer(verify);
    /// let ask = |jwt: String| Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty());
    /// let reader = okta.token("ada").scope("files:read").sign();
    /// assert_eq!(app.clone().oneshot(ask(reader)?).await?.status(), 200);
    /// assert_eq!(app.clone().oneshot(ask(okta.token("bob").sign())?).await?.status(), 403);
    ///
    /// let rejected = app.oneshot(Request::get("/").body(Body::empty())?).await?;
    /// assert_eq!(rejected.status(), 401);
    /// assert_eq!(rejected.headers()["www-authenticate"], r#"Bearer realm="api", scope="files:read""#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require(self, policy: impl Into<OwnedPolicy>) -> Self {
        Self(self.0.require(policy))
    }

    /// Removes `Authorization` and `DPoP` from each request before the inner service receives it, so that the inner
    /// service can neither log the token nor pass it on to another service. Off by default. The token's claims remain
    /// in the request's extensions. A [`VerifyLayer`] inside cannot verify the request again.
    ///
    /// ```
    /// # use axum::{Router, body::Body, http::Request, routing::get};
    /// # use okta_verifier::{Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// use axum::http::HeaderMap;
    ///
    /// async fn files(token: Verified, headers: HeaderMap) -> String {
    ///     assert!(!headers.contains_key("authorization"));
    ///     token.subject().to_owned()
    /// }
    /// let verify = VerifyLayer::new(verifier).strip_credentials();
    /// let app = Router::new().route("/", get(files)).route_layer(verify);
    /// let ask = |jwt: String| Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty());
    /// assert_eq!(app.clone().oneshot(ask(okta.token("ada").sign())?).await?.status(), 200);
    /// assert_eq!(app.oneshot(ask(okta.token("ada").expired().sign())?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn strip_credentials(self) -> Self {
        Self(self.0.strip_credentials())
    }

    /// Sets the function that reads the peer's IP address from the request's extensions. By default the
    /// address is unknown, and no proxy is trusted.
    ///
    /// This function is required if the verifier trusts a proxy: see
    /// [`okta_verifier_tower::VerifyLayer::peer`].
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::{Router, body::Body, extract::ConnectInfo, http::Request, routing::get};
    /// use okta_verifier::{Verifier, dpop::DpopSettings};
    /// use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let client = Client::new();
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .dpop(DpopSettings::forwarded_host())
    ///     .trusted_proxies(["10.0.0.0/8"])
    ///     .forwarded_host("x-forwarded-host", ["api.example.com"])
    ///     .build()?;
    /// let verify = VerifyLayer::new(verifier)
    ///     .peer(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
    /// let app = Router::new().route("/orders", get(async |_: Verified| "orders")).route_layer(verify);
    ///
    /// let jwt = client.bind(okta.token("ada")).sign();
    /// for (peer, status) in [([10, 0, 0, 1], 200), ([192, 0, 2, 1], 401)] {
    ///     let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
    ///     let request = Request::get("/orders")
    ///         .extension(ConnectInfo(SocketAddr::from((peer, 443)))) // into_make_service_with_connect_info
    ///         .header("x-forwarded-host", "api.example.com")
    ///         .header("authorization", format!("DPoP {jwt}"))
    ///         .header("dpop", proof);
    ///     assert_eq!(app.clone().oneshot(request.body(Body::empty())?).await?.status(), status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(self, read: fn(&Extensions) -> Option<IpAddr>) -> Self {
        Self(self.0.peer(read))
    }

    /// Rejects gRPC requests in the form that gRPC clients read: HTTP 200 with a `grpc-status`. Use it
    /// for a router that holds tonic services. Off by default.
    ///
    /// [`okta_verifier_tower::VerifyLayer::grpc`] defines what counts as a gRPC request, and when this
    /// option must stay off: behind a forward-auth proxy that asks this service for permission.
    /// Extractors always reject in plain HTTP; for gRPC use
    /// [`RequireLayer::grpc`](crate::RequireLayer::grpc).
    ///
    /// ```
    /// use axum::{Router, body::Body, http::{Request, Version}, routing::post};
    /// # use okta_verifier::Verifier;
    /// use okta_verifier_axum::VerifyLayer;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let service = post(async || "");
    /// let app = Router::new()
    ///     .route("/orders.v1.Orders/List", service)
    ///     .route_layer(VerifyLayer::new(verifier).grpc());
    /// let call = || {
    ///     Request::post("/orders.v1.Orders/List")
    ///         .version(Version::HTTP_2)
    ///         .header("content-type", "application/grpc")
    ///         .header("te", "trailers")
    /// };
    ///
    /// let rejected = app.clone().oneshot(call().body(Body::empty())?).await?;
    /// assert_eq!((rejected.status().as_u16(), &rejected.headers()["grpc-status"]), (200, &"16".parse()?));
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign());
    /// let served = app.oneshot(call().header("authorization", bearer).body(Body::empty())?).await?;
    /// assert!(!served.headers().contains_key("grpc-status"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn grpc(self) -> Self {
        Self(self.0.grpc())
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
    /// afterwards, and axum's `MatchedPath`, whose template is a good label. `MatchedPath` is absent in the fallback and
    /// if the layer is outside the `Router`. The hook must not block. If it panics, the request ends as if the handler had panicked. A panic of
    /// the hook while a request is dropped has no effect.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// use axum::{Router, body::Body, extract::MatchedPath, http::Request, routing::get};
    /// # use okta_verifier::Verifier;
    /// use okta_verifier_axum::{Verified, VerifyLayer};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let audit = log.clone();
    /// let verify = VerifyLayer::new(verifier).on_outcome(move |outcome, extensions| {
    ///     let route = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    ///     audit.lock().unwrap().push(format!("{route} {}", outcome.name()));
    /// });
    /// let app = Router::new().route("/orders/{id}", get(async |_: Verified| "an order")).route_layer(verify);
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign());
    /// let good = Request::get("/orders/7").header("authorization", bearer).body(Body::empty())?;
    /// assert_eq!(app.clone().oneshot(good).await?.status(), 200);
    /// let without = Request::get("/orders/8").body(Body::empty())?;
    /// assert_eq!(app.oneshot(without).await?.status(), 401);
    /// assert_eq!(*log.lock().unwrap(), ["/orders/{id} accepted", "/orders/{id} rejected"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_outcome(
        self,
        hook: impl Fn(Outcome<'_>, &Extensions) + Send + Sync + 'static,
    ) -> Self {
        Self(self.0.on_outcome(hook))
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}
