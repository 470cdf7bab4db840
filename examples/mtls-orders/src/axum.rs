//! The API on axum, behind rustls.

use std::{error::Error, net::TcpListener, sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use okta_verifier::{Policy, Requirement, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::tls;

pub(crate) async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    verifier: Verifier,
) -> Result<(), Box<dyn Error>> {
    let router = Router::new()
        .route("/orders", get(orders))
        .route_layer(VerifyLayer::new(verifier));
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The process is out of file descriptors, or the peer has disconnected. Later connections
            // may succeed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Each connection has its own task, which also performs the handshake, so a slow peer does not
        // delay others.
        tokio::spawn(converse(stream, acceptor.clone(), router.clone()));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let handshake = timeout(Duration::from_secs(10), acceptor.accept(stream));
    let Ok(Ok(stream)) = handshake.await else {
        return;
    };
    // The certificate belongs to the connection, so it is added to each of its requests.
    let router = match tls::client_certificate(stream.get_ref().1) {
        Some(certificate) => router.layer(Extension(certificate)),
        None => router,
    };
    let service = TowerToHyperService::new(router);
    // An error of one connection, such as a disconnect of the peer, must not affect the others.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The requirement of the routes, in both frameworks.
pub(crate) struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

async fn orders(token: Verified<ReadOrders>) -> String {
    format!("the orders of {}\n", token.subject())
}
