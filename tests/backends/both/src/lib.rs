//! A service whose dependencies enable both backends of jsonwebtoken. jsonwebtoken then selects none
//! and panics when it verifies.

use okta_verifier::{Issuer, Verifier, adapter::RequestCredentials};

/// Returns the subject of the token in `authorization`, or the code of the rejection. The keys of
/// `issuer` are pinned.
///
/// # Panics
///
/// Panics if the settings of `issuer` are invalid.
pub fn subject(issuer: Issuer, authorization: &str) -> Result<String, &'static str> {
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("good settings");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let decided = verifier
        .authenticate(&credentials)
        .into_ready()
        .expect("keys are pinned");
    match decided {
        Ok(token) => Ok(token.subject().to_owned()),
        Err(rejection) => Err(rejection.error().map_or("none", |error| error.code())),
    }
}
