//! An axum application, of whichever axum a peer is made for.

use std::{future::Future, io};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Answers `GET /`.
pub trait App: Clone + Send + 'static {
    /// One request, without a socket.
    fn oneshot(&self, authorization: HeaderValue) -> impl Future<Output = StatusCode>;

    /// Requests from `listener`, until the process ends.
    fn serve(self, listener: TcpListener) -> impl Future<Output = io::Result<()>> + Send;
}

/// The same application twice.
#[derive(Clone, Debug)]
pub struct Apps<A> {
    /// Without the layer.
    pub open: A,
    /// With the layer, and a handler that takes what the layer found.
    pub guarded: A,
}

/// Lets everybody in.
pub fn open_app() -> Router {
    Router::new().route("/", get(async || "ok"))
}

impl App for Router {
    async fn oneshot(&self, authorization: HeaderValue) -> StatusCode {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(AUTHORIZATION, authorization);
        let answer = ServiceExt::oneshot(self.clone(), request).await;
        answer.map_or_else(|never| match never {}, |answer| answer.status())
    }

    async fn serve(self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self).await
    }
}
