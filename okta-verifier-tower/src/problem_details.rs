//! `ProblemDetailsLayer`, its service and its future, which write a body into rejections.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{
    HeaderValue, Method, Request, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use okta_verifier::{ProblemDetails, Rejection};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// A layer that writes a body into rejections: problem details (RFC 9457), or a format of the application's
/// own ([`ProblemDetails::custom`]). It goes outside every layer and handler that rejects requests.
///
/// The status and all headers of the rejection stay, such as `WWW-Authenticate`, `Cache-Control`,
/// `Retry-After` and `DPoP-Nonce`. `Content-Type` and `Content-Length` are set. The [`Rejection`] stays in
/// the response's extensions.
///
/// A response stays as it is
///
/// - if its extensions contain no [`Rejection`], as the application's own 401 and 404,
/// - if it is a gRPC response, or an inner layer has already written a body,
/// - if a layer has changed the status of the rejection, for example to a 404 that hides a 403.
///
/// The response to a `HEAD` request gets the same headers, `Content-Length` included, and no body (RFC 9110
/// §8.6, §9.3.2). The field `Accept` is not negotiated.
///
/// The body type of the inner service must be made from a `String`, as `axum::body::Body` and
/// `http_body_util::Full<Bytes>` are. The body type of tonic is not: put the layer around the axum router that
/// contains the services of tonic, or convert the body type with tower's `map_response` first.
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use okta_verifier::{ProblemDetails, Verifier};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier_tower::{ProblemDetailsLayer, VerifyLayer};
/// # use tower::{ServiceBuilder, ServiceExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let service = ServiceBuilder::new()
///     .layer(ProblemDetailsLayer::new(ProblemDetails::new())) // the first layer is the outermost
///     .layer(VerifyLayer::new(verifier))
///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("orders".to_owned())));
///
/// let rejected = service.clone().oneshot(Request::get("/").body(())?).await?;
/// assert_eq!(rejected.status(), 401);
/// assert_eq!(rejected.headers()["www-authenticate"], r#"Bearer realm="api""#);
/// assert_eq!(rejected.headers()["content-type"], "application/problem+json");
/// assert_eq!(rejected.body(), r#"{"type":"about:blank","title":"Unauthorized","status":401}"#);
///
/// let bearer = format!("Bearer {}", okta.token("ada").sign());
/// let served = service.oneshot(Request::get("/").header("authorization", bearer).body(())?).await?;
/// assert_eq!(served.body(), "orders");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct ProblemDetailsLayer {
    details: ProblemDetails,
}

impl ProblemDetailsLayer {
    /// Returns a layer that writes these bodies. The [`Default`] of the layer writes
    /// [`ProblemDetails::new`].
    pub fn new(details: ProblemDetails) -> Self {
        Self { details }
    }
}

impl<S> Layer<S> for ProblemDetailsLayer {
    type Service = WriteProblemDetails<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WriteProblemDetails {
            inner,
            details: self.details.clone(),
        }
    }
}

/// The service that [`ProblemDetailsLayer`] wraps around `S`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct WriteProblemDetails<S> {
    inner: S,
    details: ProblemDetails,
}

impl<S, B, R> Service<Request<B>> for WriteProblemDetails<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ProblemDetailsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ProblemDetailsFuture {
            is_head: request.method() == Method::HEAD,
            details: self.details.clone(),
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// The response future of [`WriteProblemDetails`]: the inner service's response, with a body if it is
    /// a rejection.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ProblemDetailsFuture<F> {
        #[pin]
        inner: F,
        details: ProblemDetails,
        is_head: bool,
    }
}

impl<F, R, E> Future for ProblemDetailsFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(body) = body(this.details, &response) {
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, this.details.content_type());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            // The response to `HEAD` says how long the body of a `GET` would be, and has none itself. Not
            // every server removes it.
            if !*this.is_head {
                *response.body_mut() = R::from(body);
            }
        }
        Poll::Ready(Ok(response))
    }
}

/// Returns the body to write, or `None` if the response must stay as it is.
fn body<R>(details: &ProblemDetails, response: &Response<R>) -> Option<String> {
    let rejection = response.extensions().get::<Rejection>()?;
    let has_field = |name: &str| response.headers().contains_key(name);
    let is_bare = ProblemDetails::is_bare(rejection, response.status().as_u16(), has_field);
    is_bare.then(|| details.body(rejection))
}
