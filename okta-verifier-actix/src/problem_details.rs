//! `ProblemDetailsMiddleware`, its service and its future, which write a body into rejections.

use std::{
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll, ready as try_ready},
};

use actix_web::{
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use okta_verifier::ProblemDetails;
use pin_project_lite::pin_project;

use crate::bridge;

/// Middleware that writes a body into rejections: problem details (RFC 9457), or a format of the
/// application's own ([`ProblemDetails::custom`]). It goes outside every middleware and handler that rejects
/// requests, so call `wrap` with it last.
///
/// The status and all headers of the rejection stay, such as `WWW-Authenticate`, `Cache-Control`,
/// `Retry-After` and `DPoP-Nonce`. `Content-Type` is set, and actix-web sets `Content-Length`. The
/// [`Rejection`](okta_verifier::Rejection) stays in the response's extensions.
///
/// A response stays as it is
///
/// - if its extensions contain no rejection, as the application's own 401 and 404,
/// - if an inner middleware has already written a body,
/// - if a middleware has changed the status of the rejection, for example to a 404 that hides a 403.
///
/// actix-web sends the response to a `HEAD` request with the same headers, `Content-Length` included, and
/// without the body (RFC 9110 §8.6, §9.3.2). The field `Accept` is not negotiated.
///
/// ```
/// # use actix_web::{App, test, web};
/// # use okta_verifier::Verifier;
/// # use okta_verifier_actix::{ProblemDetailsMiddleware, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let orders = web::scope("/orders")
///     .wrap(VerifyMiddleware::new(verifier))
///     .wrap(ProblemDetailsMiddleware::default()) // the last `wrap` is the outermost
///     .route("", web::get().to(async || "orders"));
/// let app = test::init_service(App::new().service(orders)).await;
///
/// let rejected = test::call_service(&app, test::TestRequest::get().uri("/orders").to_request()).await;
/// assert_eq!(rejected.status(), 401);
/// assert_eq!(rejected.headers().get("www-authenticate").unwrap(), r#"Bearer realm="api""#);
/// assert_eq!(rejected.headers().get("content-type").unwrap(), "application/problem+json");
/// let body = test::read_body(rejected).await;
/// assert_eq!(body, r#"{"type":"about:blank","title":"Unauthorized","status":401}"#);
///
/// let bearer = ("authorization", format!("Bearer {}", okta.token("ada").sign()));
/// let request = test::TestRequest::get().uri("/orders").insert_header(bearer);
/// assert_eq!(test::call_and_read_body(&app, request.to_request()).await, "orders");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a middleware does nothing until it wraps an app, a scope or a resource"]
pub struct ProblemDetailsMiddleware {
    details: ProblemDetails,
}

impl ProblemDetailsMiddleware {
    /// Returns a middleware that writes these bodies. The [`Default`] of the middleware writes
    /// [`ProblemDetails::new`].
    ///
    /// ```
    /// use okta_verifier::ProblemDetails;
    /// use okta_verifier_actix::ProblemDetailsMiddleware;
    ///
    /// let details = ProblemDetails::with_type("https://api.example.com/problems#rejected")?;
    /// let middleware = ProblemDetailsMiddleware::new(details);
    /// assert!(ProblemDetails::with_type("problems").is_err());
    /// # let _ = middleware;
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn new(details: ProblemDetails) -> Self {
        Self { details }
    }
}

impl<S, B> Transform<S, ServiceRequest> for ProblemDetailsMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Transform = WriteProblemDetails<S>;
    type InitError = ();
    type Future = Ready<Result<WriteProblemDetails<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(WriteProblemDetails {
            inner: service,
            details: self.details.clone(),
        }))
    }
}

#[derive(Debug)]
pub struct WriteProblemDetails<S> {
    inner: S,
    details: ProblemDetails,
}

impl<S, B> Service<ServiceRequest> for WriteProblemDetails<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = ProblemDetailsFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        ProblemDetailsFuture {
            inner: self.inner.call(request),
            details: self.details.clone(),
        }
    }
}

pin_project! {
    #[must_use = "futures do nothing unless polled"]
    pub struct ProblemDetailsFuture<F> {
        #[pin]
        inner: F,
        details: ProblemDetails,
    }
}

impl<F, B, E> Future for ProblemDetailsFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, E>>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = try_ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(bridge::with_body(response, this.details)))
    }
}
