//! A service whose dependencies turn both backends of jsonwebtoken on, which then has none by
//! itself, and panics when it is asked to verify.

use okta_verifier::{Issuer, Presented, Verifier};

/// Whom the bearer of `authorization` says to be, or the code of the refusal. `issuer` has its
/// keys pinned.
///
/// # Panics
///
/// When `issuer` is a wrong one.
pub fn subject(issuer: Issuer, authorization: &str) -> Result<String, &'static str> {
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("good settings");
    let presented = Presented::new([authorization.as_bytes()]);
    let decided = verifier
        .authenticate(&presented).into_ready()
        .expect("keys are pinned");
    match decided {
        Ok(token) => Ok(token.subject().to_owned()),
        Err(refusal) => Err(refusal.error().map_or("none", |error| error.code())),
    }
}
