//! One instance of the service.

use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{Router, routing::get};
use okta_verifier::{
    Issuer, Verifier,
    revocation::{EventHook, RevocationLog, Revocations},
};
use okta_verifier_axum::{Verified, VerifyLayer, revocation_routes};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running instance, which stops when it is dropped.
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

impl Instance {
    /// Starts an instance. It has the rules of the others before it accepts a request.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is wrong, if the log cannot be read, or if no socket is available.
    pub(crate) async fn start(
        issuer: Issuer,
        hook: EventHook,
        log: impl RevocationLog,
    ) -> Result<Self, Box<dyn Error>> {
        let revocations = Revocations::builder().event_hook(hook).log(log).build()?;
        let verifier = Verifier::builder()
            .issuer(issuer)
            .revocations(revocations.clone())
            .build()?;
        verifier.warm_up().await?;

        let app = Router::new()
            .route("/orders", get(async |_: Verified| "orders"))
            .route_layer(VerifyLayer::new(verifier))
            .merge(revocation_routes(&revocations));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("revocation: {error}");
            }
        });
        Ok(Self { address, server })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
    }
}
