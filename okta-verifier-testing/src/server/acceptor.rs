//! Connections with or without TLS.

#[cfg(feature = "tls")]
use std::{io, sync::Arc};

#[cfg(feature = "tls")]
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};

#[cfg(feature = "tls")]
use crate::Certificate;

/// How a connection begins.
#[derive(Clone)]
pub(super) enum Acceptor {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

impl Acceptor {
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "https",
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(certificate: &Certificate) -> io::Result<Self> {
        let key = PrivatePkcs8KeyDer::from(certificate.key_der().to_vec());
        let chain = vec![certificate.der().to_vec().into()];
        // Not the provider of the process, because there may be none or two.
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .map_err(io::Error::other)?;
        Ok(Self::Tls(Arc::new(config).into()))
    }
}
