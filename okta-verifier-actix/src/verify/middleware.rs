use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use okta_verifier::{
    OwnedPolicy, Verifier,
    adapter::{Mount, Outcome},
};

use super::{Verify, hook::Hook};

/// Verifies the access token of each request and puts it into the request's extensions. Requests
/// without a valid token are rejected; [`optional`](Self::optional) also admits requests without
/// credentials.
///
/// Create the middleware once, outside the factory that `HttpServer` runs for each worker, and clone it
/// there: clones share the verifier, so all workers use the keys that one of them fetched.
///
/// The middleware first removes any [`VerifiedToken`] and [`Anonymous`] that an outer middleware
/// inserted, so a handler sees only the result of this middleware. It exempts no method and no path,
/// and does not read the payload. A rejection is an `Ok` response, not an `Err`, so a CORS middleware
/// outside can add its headers.
///
/// ```
/// use actix_web::{App, HttpMessage, HttpRequest, test, web};
/// use okta_verifier::{VerifiedToken, Verifier};
/// use okta_verifier_actix::VerifyMiddleware;
/// # use okta_verifier_testing::TestIssuer;
///
/// async fn me(request: HttpRequest) -> String {
///     let extensions = request.extensions();
///     extensions.get::<VerifiedToken>().map_or("anonymous", VerifiedToken::subject).to_owned()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let verify = VerifyMiddleware::new(verifier);
/// let worker = || App::new().service(web::resource("/me").wrap(verify.clone()).get(me));
/// let app = test::init_service(worker()).await;
///
/// let ask = |value: String| {
///     test::TestRequest::get().uri("/me").insert_header(("authorization", value)).to_request()
/// };
/// let good = format!("Bearer {}", okta.token("ada").sign());
/// assert_eq!(test::call_and_read_body(&app, ask(good)).await, "ada");
///
/// let bad = "Bearer a.b.c".to_owned();
/// assert_eq!(test::call_service(&app, ask(bad)).await.status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// [`Anonymous`]: okta_verifier::adapter::Anonymous
/// [`VerifiedToken`]: okta_verifier::VerifiedToken
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until an app, a scope or a resource is wrapped in it"]
pub struct VerifyMiddleware {
    pub(super) mount: Mount,
    pub(super) optional: bool,
    pub(super) expired_as_anonymous: bool,
    pub(super) max_introspection_age: Option<Duration>,
    pub(super) strip_credentials: bool,
    pub(super) hook: Option<Hook>,
}

impl VerifyMiddleware {
    /// Returns a middleware that rejects every request without a valid access token.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            mount: Mount::new(verifier),
            optional: false,
            expired_as_anonymous: false,
            max_introspection_age: None,
            strip_credentials: false,
            hook: None,
        }
    }

    /// Lets a request without any `Authorization` field pass as [`Anonymous`].
    ///
    /// Requests with an invalid token, another scheme, or a malformed or repeated field are still
    /// rejected, because the client meant to authenticate. A [`RequireMiddleware`] inside this
    /// middleware rejects an anonymous request with the plain 401.
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_actix::{MaybeVerified, VerifyMiddleware};
    /// # use okta_verifier_testing::TestIssuer;
    /// async fn news(client: MaybeVerified) -> &'static str {
    ///     if client.token().is_some() { "news for you" } else { "news for everyone" }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let verify = VerifyMiddleware::new(verifier).optional();
    /// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(news))).await;
    ///
    /// let without = test::TestRequest::get().uri("/");
    /// assert_eq!(test::call_service(&app, without.to_request()).await.status(), 200);
    ///
    /// let basic = test::TestRequest::get().uri("/").insert_header(("authorization", "Basic YWRhOmFkYQ=="));
    /// assert_eq!(test::call_service(&app, basic.to_request()).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Anonymous`]: okta_verifier::adapter::Anonymous
    /// [`RequireMiddleware`]: crate::RequireMiddleware
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Lets a request whose token has expired pass as [`Anonymous`] too, behind an [`optional`](Self::optional)
    /// middleware. Off by default, and without effect on a middleware that is not optional.
    ///
    /// This applies only if the expiry (`exp` and the leeway) is the token's only defect: the signature, all
    /// other claims, and the proof or the certificate of a bound token are checked first. A token with another
    /// defect is rejected. So is an expired token that only an introspection response can verify:
    /// see [`RequestCredentials::expired_as_anonymous`](okta_verifier::adapter::RequestCredentials::expired_as_anonymous).
    /// Each such request leaves an event at `debug`. A handler or a [`RequireMiddleware`] inside this middleware
    /// that requires a token rejects the request with the 401 of the expired token, so that the client requests
    /// another one.
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_actix::{MaybeVerified, VerifyMiddleware};
    /// # use okta_verifier_testing::TestIssuer;
    /// async fn news(client: MaybeVerified) -> &'static str {
    ///     if client.token().is_some() { "news for you" } else { "news for everyone" }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let verify = VerifyMiddleware::new(verifier).optional().expired_as_anonymous();
    /// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(news))).await;
    ///
    /// let ask = |jwt: String| {
    ///     let bearer = ("authorization", format!("Bearer {jwt}"));
    ///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
    /// };
    /// let expired = ask(okta.token("ada").expired().sign());
    /// assert_eq!(test::call_and_read_body(&app, expired).await, "news for everyone");
    ///
    /// let forged = ask(okta.token("ada").expired().tampered().sign());
    /// assert_eq!(test::call_service(&app, forged).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Anonymous`]: okta_verifier::adapter::Anonymous
    /// [`RequireMiddleware`]: crate::RequireMiddleware
    pub fn expired_as_anonymous(mut self) -> Self {
        self.expired_as_anonymous = true;
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
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # use okta_verifier_actix::VerifyMiddleware;
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # async fn done() -> &'static str { "done" }
    /// let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    /// let introspection = Introspection::on_demand(client);
    /// let issuer = okta.issuer("api://default").any_client_id().introspection(introspection);
    /// let list = VerifyMiddleware::new(Verifier::builder().issuer(issuer).build()?);
    /// let pay = list.clone().max_introspection_age(Duration::ZERO);
    /// let app = App::new()
    ///     .service(web::resource("/list").wrap(list).get(done))
    ///     .service(web::resource("/pay").wrap(pay).get(done));
    /// let app = test::init_service(app).await;
    ///
    /// let jwt = okta.token("ada").sign();
    /// let ask = |path: &str| {
    ///     let value = format!("Bearer {jwt}");
    ///     test::TestRequest::get().uri(path).insert_header(("authorization", value)).to_request()
    /// };
    /// assert_eq!(test::call_service(&app, ask("/pay")).await.status(), 200);
    /// okta.revoke(&jwt);
    /// assert_eq!(test::call_service(&app, ask("/list")).await.status(), 200);
    /// assert_eq!(test::call_service(&app, ask("/pay")).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_introspection_age(mut self, max_age: Duration) -> Self {
        self.max_introspection_age = Some(max_age);
        self
    }

    /// Accepts tokens for this audience only, for one of several APIs behind one verifier. The audience is one
    /// of [`Issuer::audience`](okta_verifier::Issuer::audience). By default a token for any audience of its
    /// issuer is accepted. A token for another audience gets the 401 of an invalid token,
    /// and so does every token if no issuer has this audience. If a resource has this audience, the middleware is one for
    /// this resource ([`resource`](Self::resource)).
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_actix::VerifyMiddleware;
    /// # use okta_verifier_testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # async fn done() -> &'static str { "done" }
    /// let issuer = okta.issuer().audience("api://billing").any_client_id(); // and api://orders
    /// let verify = VerifyMiddleware::new(Verifier::builder().issuer(issuer).build()?);
    /// let orders = verify.clone().audience("api://orders");
    /// let billing = verify.audience("api://billing");
    /// let app = App::new()
    ///     .service(web::resource("/orders").wrap(orders).get(done))
    ///     .service(web::resource("/billing").wrap(billing).get(done));
    /// let app = test::init_service(app).await;
    ///
    /// let jwt = okta.token("ada").sign(); // for api://orders
    /// let ask = |path: &str| {
    ///     let value = format!("Bearer {jwt}");
    ///     test::TestRequest::get().uri(path).insert_header(("authorization", value)).to_request()
    /// };
    /// assert_eq!(test::call_service(&app, ask("/orders")).await.status(), 200);
    /// assert_eq!(test::call_service(&app, ask("/billing")).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.mount = self.mount.audience(audience);
        self
    }

    /// Accepts tokens for this resource only: one of
    /// [`VerifierBuilder::resource`](okta_verifier::VerifierBuilder::resource), by its URL as configured. Each challenge
    /// names its metadata (RFC 9728 §5.1).
    ///
    /// With one resource, that one is the default. With several, a middleware must name one, or the audience of one
    /// ([`audience`](Self::audience)). Otherwise, with a URL that no resource has, and with an audience that is not that
    /// of the resource, each request is rejected with 500, and an event at `error` says what to write.
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::{Resource, Verifier};
    /// # use okta_verifier_actix::VerifyMiddleware;
    /// # use okta_verifier_testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn done() -> &'static str { "done" }
    /// const FILES: &str = "https://mcp.example.com/files";
    /// const MAIL: &str = "https://mcp.example.com/mail";
    /// # let okta = TestIssuer::new(FILES);
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().audience(MAIL).any_client_id()) // and FILES
    ///     .resource(Resource::new(FILES))
    ///     .resource(Resource::new(MAIL))
    ///     .build()?;
    /// let verify = VerifyMiddleware::new(verifier);
    /// let (files, mail) = (verify.clone().resource(FILES), verify.resource(MAIL));
    /// let app = App::new()
    ///     .service(web::resource("/files").wrap(files).get(done))
    ///     .service(web::resource("/mail").wrap(mail).get(done));
    /// let app = test::init_service(app).await;
    ///
    /// let bearer = format!("Bearer {}", okta.token("ada").sign()); // for FILES
    /// let ask = |path: &str| {
    ///     test::TestRequest::get().uri(path).insert_header(("authorization", bearer.clone())).to_request()
    /// };
    /// assert_eq!(test::call_service(&app, ask("/files")).await.status(), 200);
    /// assert_eq!(test::call_service(&app, ask("/mail")).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.mount = self.mount.resource(url);
        self
    }

    /// Accepts only tokens that meet this policy, a [`Policy`](okta_verifier::Policy) or an [`OwnedPolicy`], for
    /// everything inside the middleware. By default each verified token is accepted. A second call replaces the policy.
    ///
    /// The 401 of the middleware names the scopes of the policy (RFC 6750 §3), of each
    /// [`Policy::any`](okta_verifier::Policy::any) those of the first alternative, so that a client without a token knows
    /// what to request. A policy inside the middleware can only require more, and its challenge names the scopes of both,
    /// because a client may replace the scopes of its token by those of the challenge. An
    /// [`optional`](Self::optional) middleware admits requests without credentials nevertheless.
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::{Policy, Verifier};
    /// # use okta_verifier_actix::VerifyMiddleware;
    /// # use okta_verifier_testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn files() -> &'static str { "files" }
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let verify = VerifyMiddleware::new(verifier).require(Policy::scope("files:read"));
    /// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(files))).await;
    /// let ask = |jwt: String| {
    ///     let bearer = ("authorization", format!("Bearer {jwt}"));
    ///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
    /// };
    /// let reader = okta.token("ada").scope("files:read").sign();
    /// assert_eq!(test::call_service(&app, ask(reader)).await.status(), 200);
    /// assert_eq!(test::call_service(&app, ask(okta.token("bob").sign())).await.status(), 403);
    ///
    /// let rejected = test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
    /// assert_eq!(rejected.status(), 401);
    /// let challenge = rejected.headers().get("www-authenticate").ok_or("a challenge")?;
    /// assert_eq!(challenge, r#"Bearer realm="api", scope="files:read""#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require(mut self, policy: impl Into<OwnedPolicy>) -> Self {
        self.mount = self.mount.require(policy);
        self
    }

    /// Removes `Authorization` and `DPoP` from each request before the handler receives it, so that the
    /// handler can neither log the token nor pass it on to another service. Off by default. The token's claims remain
    /// in the request's extensions. A `VerifyMiddleware` inside cannot verify the request again.
    ///
    /// ```
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::{Verifier};
    /// # use okta_verifier_actix::VerifyMiddleware;
    /// # use okta_verifier_testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use actix_web::HttpRequest;
    ///
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// async fn files(request: HttpRequest) -> &'static str {
    ///     assert!(!request.headers().contains_key("authorization"));
    ///     "files"
    /// }
    /// let verify = VerifyMiddleware::new(verifier).strip_credentials();
    /// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(files))).await;
    /// let ask = |jwt: String| {
    ///     let bearer = ("authorization", format!("Bearer {jwt}"));
    ///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
    /// };
    /// assert_eq!(test::call_service(&app, ask(okta.token("ada").sign())).await.status(), 200);
    /// assert_eq!(test::call_service(&app, ask(okta.token("ada").expired().sign())).await.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn strip_credentials(mut self) -> Self {
        self.strip_credentials = true;
        self
    }

    /// Calls `hook` with the outcome of each request, exactly once, for audit logs and for metrics with labels of the
    /// application. By default no hook is set, and none costs nothing. A second call replaces the hook.
    ///
    /// The hook is called when the head of the response is ready, or when the request is dropped. A rejection by a
    /// [`RequireMiddleware`](crate::RequireMiddleware), an extractor or a handler inside the middleware is seen too, if
    /// the response still has the [`Rejection`](okta_verifier::Rejection) in its extensions. So is an
    /// inner middleware that returns [`Rejected`](crate::Rejected) as its error. With any other `Err`, the outcome is
    /// that of the token. If middlewares are nested, each calls its own
    /// hook.
    ///
    /// The request is that of the response: its `match_pattern()` is a good label, and its extensions contain the
    /// [`VerifiedToken`](okta_verifier::VerifiedToken) of an accepted request, also if a policy rejected the request
    /// afterwards. It is `None` if the request was dropped, and after an `Err`. The hook must not block. If it panics,
    /// the request ends as if the handler had panicked. A panic of the hook while a request is dropped has no effect.
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use actix_web::{App, test, web};
    /// # use okta_verifier::Verifier;
    /// # use okta_verifier_actix::{Verified, VerifyMiddleware};
    /// # use okta_verifier_testing::TestIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # async fn order(_: Verified) -> &'static str { "an order" }
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let audit = log.clone();
    /// let verify = VerifyMiddleware::new(verifier).on_outcome(move |outcome, request| {
    ///     let route = request.and_then(|request| request.match_pattern()).unwrap_or_default();
    ///     audit.lock().unwrap().push(format!("{route} {}", outcome.name()));
    /// });
    /// let app = App::new().service(web::scope("/orders").wrap(verify).route("/{id}", web::get().to(order)));
    /// let app = test::init_service(app).await;
    ///
    /// let bearer = ("authorization", format!("Bearer {}", okta.token("ada").sign()));
    /// let good = test::TestRequest::get().uri("/orders/7").insert_header(bearer).to_request();
    /// assert_eq!(test::call_service(&app, good).await.status(), 200);
    /// let without = test::TestRequest::get().uri("/orders/8").to_request();
    /// assert_eq!(test::call_service(&app, without).await.status(), 401);
    /// assert_eq!(*log.lock().unwrap(), ["/orders/{id} accepted", "/orders/{id} rejected"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_outcome(
        mut self,
        hook: impl Fn(Outcome<'_>, Option<&HttpRequest>) + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Hook::new(hook));
        self
    }
}

impl<S, B> Transform<S, ServiceRequest> for VerifyMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    S::Error: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Transform = Verify<S>;
    type InitError = ();
    type Future = Ready<Result<Verify<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Verify::new(service, self.clone())))
    }
}
