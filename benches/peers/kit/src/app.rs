//! An axum application that hides the axum version, because peers require different versions.

use std::{future::Future, io};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// An application that responds to `GET /`.
pub trait App: Clone + Send + 'static {
    /// Handles one request without a socket.
    fn oneshot(&self, authorization: HeaderValue) -> impl Future<Output = StatusCode>;

    /// Serves requests from `listener` until the process ends.
    fn serve(self, listener: TcpListener) -> impl Future<Output = io::Result<()>> + Send;
}

/// The same application with and without the layer.
#[derive(Clone, Debug)]
pub struct Apps<A> {
    /// The application without the layer.
    pub open: A,
    /// The application with the layer. Its handler reads the result of the layer.
    pub guarded: A,
}

/// Returns an application without authentication.
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
