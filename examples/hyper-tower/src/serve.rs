//! Accepts connections and serves their requests, which a framework would do otherwise.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::Service;

use hyper::body::Incoming;

/// Serves HTTP/1.1 and HTTP/2 until the task is dropped.
pub(crate) async fn serve<S>(listener: TcpListener, api: S)
where
    S: Service<Request<Incoming>, Response = Response<String>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let mut http = Builder::new(TokioExecutor::new());
    // With the timer, hyper closes an HTTP/1.1 connection whose headers do not arrive within 30 s.
    http.http1().timer(TokioTimer::new());
    http.http2().timer(TokioTimer::new());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The process is out of file descriptors, or the peer has disconnected. Later connections
            // may succeed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (http, api) = (http.clone(), TowerToHyperService::new(api.clone()));
        // An error of one connection, such as a disconnect of the peer, must not affect the others.
        tokio::spawn(async move { http.serve_connection(TokioIo::new(stream), api).await });
    }
}
