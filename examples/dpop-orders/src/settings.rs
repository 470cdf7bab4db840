//! The settings of the API, from the environment.

use std::{env, error::Error, time::Duration};

use okta_verifier::{
    ConfigError, Issuer, Verifier,
    dpop::{DpopNonces, DpopSettings},
};

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

/// Reads `OKTA_ISSUER` and `OKTA_AUDIENCE`. Returns `None` if `OKTA_ISSUER` is not set.
pub(crate) fn issuer() -> Result<Option<Issuer>, Box<dyn Error>> {
    let Some(url) = env::var_os("OKTA_ISSUER") else {
        return Ok(None);
    };
    let url = url.into_string().map_err(|_| "OKTA_ISSUER is not UTF-8")?;
    let audience = env::var("OKTA_AUDIENCE").map_err(|error| format!("OKTA_AUDIENCE: {error}"))?;
    Ok(Some(Issuer::okta(url, audience).any_client_id()))
}

/// Builds the verifier. `NONCES=1` requires a server-issued nonce in every proof.
pub(crate) fn verifier(issuer: Issuer, base_url: &str) -> Result<Verifier, ConfigError> {
    // The external URL of this API is fixed. It must not come from the request, which the client
    // controls.
    let dpop = DpopSettings::base_url(base_url)
        // The default window is one minute. It is longer in this demo, so that the printed lines stay
        // valid.
        .window(Duration::from_secs(300), Duration::from_secs(60));
    let dpop = match env::var_os("NONCES") {
        // Use `DpopNonces::shared(..)` if the service has several instances, so that all of them share
        // one secret.
        Some(_) => dpop.nonces(DpopNonces::random()),
        None => dpop,
    };
    Verifier::builder().issuer(issuer).dpop(dpop).build()
}
