//! The API on axum, behind rustls.

use std::{error::Error, net::TcpListener, sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use okta_verifier::Verifier;
use okta_verifier_axum::{Verified, VerifyLayer};
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::{orders::ReadOrders, tls};

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
            // Out of descriptors, or a peer that left: others may still come.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // A task of its own from the handshake on: a slow peer holds up nobody else.
        tokio::spawn(converse(stream, acceptor.clone(), router.clone()));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let handshake = timeout(Duration::from_secs(10), acceptor.accept(stream));
    let Ok(Ok(stream)) = handshake.await else {
        return;
    };
    // The certificate is the connection's, and so each request of it has it.
    let router = match tls::client_certificate(stream.get_ref().1) {
        Some(certificate) => router.layer(Extension(certificate)),
        None => router,
    };
    let service = TowerToHyperService::new(router);
    // What ends a connection early is the peer's doing, and no other connection's concern.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn orders(token: Verified<ReadOrders>) -> String {
    format!("the orders of {}\n", token.subject())
}
