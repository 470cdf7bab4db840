//! TLS that requests client certificates, and the certificate that a client presented.

use std::{error::Error, sync::Arc};

use okta_verifier::mtls::ClientCertificate;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::settings::Settings;

/// Returns the TLS settings. A client without a certificate is admitted, but only with an unbound
/// token.
pub(crate) fn config(settings: &Settings) -> Result<ServerConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(settings.client_roots.as_bytes()) {
        roots.add(root?)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()?;
    let chain = CertificateDer::pem_slice_iter(settings.certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(settings.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    Ok(config)
}

/// Returns the certificate in the type that the adapters read from a request's extensions. The
/// handshake proves that the client holds the key of the first certificate (RFC 8446 §4.4.3).
pub(crate) fn client_certificate(session: &ServerConnection) -> Option<ClientCertificate> {
    let shown = session.peer_certificates()?.first()?;
    Some(ClientCertificate::new(shown))
}
