//! The API on actix-web, behind rustls.

use std::{any::Any, error::Error, net::TcpListener};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    App, HttpMessage, HttpServer,
    dev::{Extensions, Service, ServiceRequest},
    web,
};
use okta_verifier::{Verifier, mtls::ClientCertificate};
use okta_verifier_actix::{Verified, VerifyMiddleware};
use rustls::ServerConfig;

use crate::{axum::ReadOrders, tls};

pub(crate) async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    verifier: Verifier,
) -> Result<(), Box<dyn Error>> {
    // Created once, outside the factory that each worker runs, so that all workers share the keys.
    let verify = VerifyMiddleware::new(verifier);
    let app = move || {
        let resource = web::resource("/orders").wrap(verify.clone()).get(orders);
        App::new().service(resource).wrap_fn(|request, next| {
            hand_on(&request);
            next.call(request)
        })
    };
    HttpServer::new(app)
        .on_connect(remember)
        .listen_rustls_0_23(listener, config)?
        .run()
        .await?;
    Ok(())
}

/// Stores the client's certificate in the connection's data after the handshake, once per connection.
fn remember(connection: &dyn Any, of_connection: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<actix_web::rt::net::TcpStream>>();
    if let Some(certificate) = stream.and_then(|it| tls::client_certificate(it.get_ref().1)) {
        of_connection.insert(certificate);
    }
}

/// Copies the certificate from the connection to each of its requests.
fn hand_on(request: &ServiceRequest) {
    if let Some(certificate) = request.conn_data::<ClientCertificate>() {
        request.extensions_mut().insert(certificate.clone());
    }
}

async fn orders(token: Verified<ReadOrders>) -> String {
    format!("the orders of {}\n", token.subject())
}
