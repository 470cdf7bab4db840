//! TLS to Redis. The crypto provider is always explicit, because rustls panics if it must choose
//! between two providers of a process.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::error::RedisConfigError;

pub(crate) struct Tls(TlsConnector);

impl Tls {
    pub(crate) fn with_config(config: Arc<ClientConfig>) -> Self {
        Self(TlsConnector::from(config))
    }

    /// Returns TLS that trusts the system's root certificates and the certificates in `extra_roots`,
    /// in PEM.
    pub(crate) fn with_roots(
        extra_roots: &[Vec<u8>],
        provider: Option<Arc<CryptoProvider>>,
    ) -> Result<Self, RedisConfigError> {
        let roots = certificates(extra_roots, NOT_PEM)?;
        let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let problem = if roots.is_empty() {
            NO_ROOTS
        } else {
            BAD_ROOTS
        };
        let verifier =
            Verifier::new_with_extra_roots(roots, provider.clone()).map_err(|_| wrong(problem))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| wrong(NO_VERSION))?
            // rustls calls every custom verifier dangerous. This verifier is that of the platform.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self::with_config(Arc::new(config)))
    }

    /// Returns TLS that trusts only the certificates in `roots`, in PEM.
    pub(crate) fn with_only_roots(
        roots: &[Vec<u8>],
        provider: Option<Arc<CryptoProvider>>,
    ) -> Result<Self, RedisConfigError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(roots, NOT_ONLY_PEM)? {
            store.add(certificate).map_err(|_| wrong(BAD_ONLY_ROOTS))?;
        }
        let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| wrong(NO_VERSION))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self::with_config(Arc::new(config)))
    }

    /// Performs the TLS handshake. The server's certificate must be valid for `host`, a name or an IP
    /// address.
    pub(super) async fn connect(
        &self,
        host: &str,
        tcp: TcpStream,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, tcp).await
    }
}

fn certificates(
    pems: &[Vec<u8>],
    problem: &'static str,
) -> Result<Vec<CertificateDer<'static>>, RedisConfigError> {
    let mut certificates = Vec::new();
    for pem in pems {
        let before = certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificates.push(certificate.map_err(|_| wrong(problem))?);
        }
        if certificates.len() == before {
            return Err(wrong(problem));
        }
    }
    Ok(certificates)
}

fn wrong(problem: &'static str) -> RedisConfigError {
    RedisConfigError::Tls { problem }
}

const NOT_PEM: &str = "root_certificates: write one or more certificates in PEM";
const BAD_ROOTS: &str = "root_certificates: a certificate cannot be used as a root";
const NOT_ONLY_PEM: &str = "only_root_certificates: write one or more certificates in PEM";
const BAD_ONLY_ROOTS: &str = "only_root_certificates: a certificate cannot be used as a root";
const NO_VERSION: &str = "the crypto provider supports neither TLS 1.2 nor TLS 1.3";
const NO_ROOTS: &str = "the system has no CA certificates: install the package ca-certificates";
