use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    HttpRequest,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use okta_verifier::{Verifier, adapter::Outcome};

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
    verifier: Verifier,
    optional: bool,
    expired_as_anonymous: bool,
    max_introspection_age: Option<Duration>,
    audience: Option<Arc<str>>,
    hook: Option<Hook>,
}

impl VerifyMiddleware {
    /// Returns a middleware that rejects every request without a valid access token.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            optional: false,
            expired_as_anonymous: false,
            max_introspection_age: None,
            audience: None,
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
    /// and so does every token if no issuer has this audience.
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
        self.audience = Some(audience.into().into());
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
        let verifier = self.verifier.clone();
        ready(Ok(Verify::new(
            service,
            verifier,
            self.optional,
            self.expired_as_anonymous,
            self.max_introspection_age,
            self.audience.clone(),
            self.hook.clone(),
        )))
    }
}
