//! `MetadataLayer`, its service and its future, which serve the metadata of protected resources.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Method, Request, Response,
    header::{ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_LENGTH},
};
use okta_verifier::Verifier;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::ready;

/// A layer that serves the metadata of the verifier's resources (RFC 9728), each at its exact path, and passes all
/// other requests on. The metadata is public, so put this layer outside [`VerifyLayer`](crate::VerifyLayer),
/// outside each router that shortens the path, and outside a CORS layer: the responses have CORS header fields of their own,
/// and a CORS layer outside would respond to the preflights.
///
/// [`Verifier::resource_metadata`] describes the responses. `F` makes the body of a response from its text. A verifier
/// without a resource has no metadata, so that each request is passed on.
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use okta_verifier::{Resource, Verifier};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier_tower::{MetadataLayer, VerifyLayer};
/// # use tower::{ServiceBuilder, ServiceExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = Resource::new("https://mcp.example.com/mcp");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
/// let service = ServiceBuilder::new()
///     .layer(MetadataLayer::new(&verifier))
///     .layer(VerifyLayer::new(verifier))
///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::from("files"))));
///
/// let request = Request::get("/.well-known/oauth-protected-resource/mcp").body(())?;
/// let metadata = service.clone().oneshot(request).await?;
/// assert_eq!(metadata.status(), 200);
/// assert!(metadata.body().starts_with(r#"{"resource":"https://mcp.example.com/mcp""#));
///
/// // Another path is passed on.
/// let request = Request::get("/.well-known/oauth-protected-resource/mcp/").body(())?;
/// assert_eq!(service.oneshot(request).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct MetadataLayer<F> {
    verifier: Verifier,
    body: F,
}

impl<R: From<String>> MetadataLayer<fn(String) -> R> {
    /// Returns a layer for a service whose body type implements `From<String>`, such as that of axum.
    pub fn new(verifier: &Verifier) -> Self {
        Self::with_body(verifier, R::from)
    }
}

impl<F> MetadataLayer<F> {
    /// Returns a layer that makes the body of a response with `body`, for a body type that has no conversion from a
    /// text. With tonic: `MetadataLayer::with_body(&verifier, tonic::body::Body::new::<String>)`, in front of a server
    /// that accepts HTTP/1, because clients fetch the metadata like any other resource.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use okta_verifier::{Resource, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::MetadataLayer;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("https://api.example.com");
    /// # let issuer = okta.issuer().any_client_id();
    /// # let resource = Resource::new("https://api.example.com");
    /// # let verifier = Verifier::builder().issuer(issuer).resource(resource).build()?;
    /// let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(vec![b"grpc".to_vec()])));
    /// let service = MetadataLayer::with_body(&verifier, |text: String| vec![text.into_bytes()]).layer(inner);
    ///
    /// let request = Request::get("/.well-known/oauth-protected-resource").body(())?;
    /// assert!(service.clone().oneshot(request).await?.body()[0].starts_with(br#"{"resource""#));
    /// let request = Request::get("/orders.v1.Orders/List").body(())?;
    /// assert_eq!(service.oneshot(request).await?.body()[0], b"grpc");
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_body(verifier: &Verifier, body: F) -> Self {
        Self {
            verifier: verifier.clone(),
            body,
        }
    }
}

impl<S, F: Clone> Layer<S> for MetadataLayer<F> {
    type Service = ServeMetadata<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        ServeMetadata {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`MetadataLayer`] wraps around `S`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct ServeMetadata<S, F> {
    inner: S,
    layer: MetadataLayer<F>,
}

impl<S, B, R, F> Service<Request<B>> for ServeMetadata<S, F>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    F: Fn(String) -> R,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = MetadataFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let MetadataLayer { verifier, body } = &self.layer;
        let (method, path) = (request.method(), request.uri().path());
        let requested = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
        let requested = requested.map(HeaderValue::as_bytes);
        let metadata = verifier.resource_metadata(method.as_str(), path, requested);
        let Some(mut metadata) = metadata else {
            let future = self.inner.call(request);
            return MetadataFuture {
                state: State::Inner { future },
            };
        };
        // The response to `HEAD` says how long the body of a `GET` would be, and has none itself. Not every server
        // removes it.
        if method == Method::HEAD {
            let length = HeaderValue::from(metadata.body().len());
            metadata.headers_mut().insert(CONTENT_LENGTH, length);
            metadata.body_mut().clear();
        }
        ready::release(&mut self.inner);
        MetadataFuture {
            state: State::Metadata {
                response: Some(metadata.map(body)),
            },
        }
    }
}

pin_project! {
    /// The response future of [`ServeMetadata`]: the metadata, or the inner service's response.
    #[must_use = "futures do nothing unless polled"]
    pub struct MetadataFuture<U, R> {
        #[pin]
        state: State<U, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<U, R> {
        Metadata { response: Option<Response<R>> },
        Inner { #[pin] future: U },
    }
}

impl<U, R, E> Future for MetadataFuture<U, R>
where
    U: Future<Output = Result<Response<R>, E>>,
{
    type Output = U::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Metadata { response } => {
                let response = response.take();
                Poll::Ready(Ok(
                    response.expect("`MetadataFuture` polled after it completed")
                ))
            }
            StateProjection::Inner { future } => future.poll(cx),
        }
    }
}

/// Omits the function that makes the body.
impl<F> fmt::Debug for MetadataLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataLayer")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

impl<U, R> fmt::Debug for MetadataFuture<U, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataFuture").finish_non_exhaustive()
    }
}
