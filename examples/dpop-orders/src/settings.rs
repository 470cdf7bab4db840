//! What the API is told when it starts.

use std::{env, error::Error, time::Duration};

use okta_verifier::{ConfigError, DpopNonces, DpopSettings, Issuer, Verifier};

/// Who serves: the verifier is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// `FRAMEWORK`, `axum` unless it says otherwise.
pub(crate) fn framework() -> Result<Framework, String> {
    match env::var("FRAMEWORK").as_deref() {
        Err(env::VarError::NotPresent) | Ok("axum") => Ok(Framework::Axum),
        Ok("actix") => Ok(Framework::Actix),
        other => Err(format!("FRAMEWORK must be axum or actix, not {other:?}")),
    }
}

/// `OKTA_ISSUER` and, for its tokens, `OKTA_AUDIENCE`; `None` when there is no `OKTA_ISSUER`.
pub(crate) fn issuer() -> Result<Option<Issuer>, Box<dyn Error>> {
    let Some(url) = env::var_os("OKTA_ISSUER") else {
        return Ok(None);
    };
    let url = url.into_string().map_err(|_| "OKTA_ISSUER is not UTF-8")?;
    let audience = env::var("OKTA_AUDIENCE").map_err(|error| format!("OKTA_AUDIENCE: {error}"))?;
    Ok(Some(Issuer::okta(url, audience).any_client_id()))
}

/// `NONCES=1` demands a nonce of ours in every proof.
pub(crate) fn verifier(issuer: Issuer, base_url: &str) -> Result<Verifier, ConfigError> {
    // By which URL the outside knows this API. No header of a request says it: whoever sends the
    // request writes its headers.
    let dpop = DpopSettings::base_url(base_url)
        // Only so that the printed lines last: by default a proof is good for one minute.
        .window(Duration::from_secs(300), Duration::from_secs(60));
    let dpop = match env::var_os("NONCES") {
        // Several instances share a secret instead: `DpopNonces::shared(..)`.
        Some(_) => dpop.nonces(DpopNonces::random()),
        None => dpop,
    };
    Verifier::builder().issuer(issuer).dpop(dpop).build()
}
