//! `RequireMiddleware` and its service, which enforce a policy on verified tokens.

use std::future::{Ready, ready};

use actix_web::{
    HttpMessage,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use okta_verifier::{OwnedPolicy, VerifiedToken, adapter::Anonymous};

use crate::answer::Answer;

/// Middleware that accepts a request only if its token, verified by
/// [`VerifyMiddleware`](crate::VerifyMiddleware), meets a policy: a [`Policy`](okta_verifier::Policy) in code, or
/// an [`OwnedPolicy`] from a settings file.
///
/// | the request's extensions contain | response |
/// |---|---|
/// | a token that meets the policy | the inner service's |
/// | a token that does not | 403, with the scopes if scopes would help; 401 if the user must authenticate again |
/// | [`Anonymous`], from an optional middleware | the plain 401 |
/// | neither, because there is no `VerifyMiddleware` outside | 500, and an error in the log |
///
/// The last `wrap` is the outermost, so call `wrap` with this middleware first and with
/// [`VerifyMiddleware`](crate::VerifyMiddleware) after it.
///
/// ```
/// # use actix_web::{App, test, web};
/// # use okta_verifier::{Policy, Verifier};
/// # use okta_verifier_actix::{RequireMiddleware, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// const READ_OR_AUDIT: Policy =
///     Policy::any(&[Policy::scope("orders:read"), Policy::scope("orders:audit")]);
///
/// let orders = web::scope("/orders")
///     .wrap(RequireMiddleware::new(READ_OR_AUDIT))
///     .wrap(VerifyMiddleware::new(verifier))
///     .route("", web::get().to(async || "orders"));
/// let app = test::init_service(App::new().service(orders)).await;
///
/// let request = |jwt: String| {
///     let bearer = ("authorization", format!("Bearer {jwt}"));
///     test::TestRequest::get().uri("/orders").insert_header(bearer).to_request()
/// };
/// let auditor = okta.token("ada").scope("orders:audit").sign();
/// assert_eq!(test::call_service(&app, request(auditor)).await.status(), 200);
///
/// let other = okta.token("bob").sign();
/// assert_eq!(test::call_service(&app, request(other)).await.status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it wraps an app, a scope or a resource"]
pub struct RequireMiddleware {
    policy: OwnedPolicy,
}

impl RequireMiddleware {
    /// Returns a middleware that requires `policy` for every request.
    pub fn new(policy: impl Into<OwnedPolicy>) -> Self {
        Self {
            policy: policy.into(),
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequireMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Transform = Require<S>;
    type InitError = ();
    type Future = Ready<Result<Require<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Require {
            inner: service,
            policy: self.policy.clone(),
        }))
    }
}

#[derive(Debug)]
pub struct Require<S> {
    inner: S,
    policy: OwnedPolicy,
}

impl<S, B> Service<ServiceRequest> for Require<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let result = {
            let extensions = request.extensions();
            let token = extensions.get::<VerifiedToken>();
            self.policy
                .admit(token, extensions.get::<Anonymous>())
                .map(|_| ())
        };
        match result {
            Ok(()) => Answer::inner(self.inner.call(request)),
            Err(rejection) => Answer::refused(request, rejection),
        }
    }
}
