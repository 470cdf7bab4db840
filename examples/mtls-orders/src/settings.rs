//! The settings of the API, from the environment.

use std::{env, error::Error, fs};

use okta_verifier::{ConfigError, Issuer, Verifier};

/// The framework that serves the API. Both use the same verifier.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// Reads `FRAMEWORK`. The default is `axum`.
pub(crate) fn framework() -> Result<Framework, String> {
    match env::var("FRAMEWORK").as_deref() {
        Err(env::VarError::NotPresent) | Ok("axum") => Ok(Framework::Axum),
        Ok("actix") => Ok(Framework::Actix),
        other => Err(format!("FRAMEWORK must be axum or actix, not {other:?}")),
    }
}

/// The trusted issuer, the server's certificate and key, and the roots of the clients' certificates.
/// Certificates and the key are PEM texts.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) issuer: Issuer,
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// The certificate authorities that sign the clients' certificates.
    pub(crate) client_roots: String,
}

impl Settings {
    /// Reads `OKTA_ISSUER`, `OKTA_AUDIENCE`, and the files that `TLS_CERTIFICATE`, `TLS_KEY` and
    /// `TLS_CLIENT_ROOTS` name. Returns `None` if `OKTA_ISSUER` is not set.
    pub(crate) fn from_env() -> Result<Option<Self>, Box<dyn Error>> {
        if env::var_os("OKTA_ISSUER").is_none() {
            return Ok(None);
        }
        let text = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
        let file = |name: &str| {
            let path = text(name)?;
            fs::read_to_string(&path).map_err(|error| format!("{name}: {path}: {error}"))
        };
        let issuer = Issuer::okta(text("OKTA_ISSUER")?, text("OKTA_AUDIENCE")?).any_client_id();
        Ok(Some(Self {
            issuer,
            certificate: file("TLS_CERTIFICATE")?,
            key: file("TLS_KEY")?,
            client_roots: file("TLS_CLIENT_ROOTS")?,
        }))
    }

    /// Builds the verifier. TLS ends in this process, so the TLS session has the client's own
    /// certificate.
    pub(crate) fn verifier(&self) -> Result<Verifier, ConfigError> {
        Verifier::builder()
            .issuer(self.issuer.clone())
            .client_certificates()
            .build()
    }
}
