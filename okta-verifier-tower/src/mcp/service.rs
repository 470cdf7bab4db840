//! `McpService`: the service that checks what requests call.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{McpFuture, McpRequestBody, McpResponseBody, layer::Settings};

/// The service that [`McpLayer`](super::McpLayer) wraps around `S`.
///
/// It is always ready: `S` is polled ready after the body of the request has arrived and passed all checks. A body that
/// arrives slowly therefore holds no permit of an inner limit. `S`, its future and the bodies need not be `Send` or
/// `'static`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct McpService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> McpService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, B, R> Service<Request<B>> for McpService<S>
where
    S: Service<Request<McpRequestBody<B>>, Response = Response<R>> + Clone,
    B: Body,
{
    type Response = Response<McpResponseBody<R>>;
    type Error = S::Error;
    type Future = McpFuture<S, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        McpFuture::new(request, self.inner.clone(), self.settings.clone())
    }
}
