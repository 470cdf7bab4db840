//! A service with okta-verifier and no other crate that could enable a backend of jsonwebtoken or a
//! provider of rustls.

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

/// Items of `okta-verifier-testing` whose feature is not enabled do not compile. The same items compile in
/// `tests/docs`, whose features are enabled.
///
/// ```compile_fail,E0432
/// use okta_verifier_testing::MockOkta; // needs the feature `server`
/// ```
///
/// ```compile_fail,E0432
/// use okta_verifier_testing::Certificate; // needs the feature `tls`
/// ```
///
/// ```
/// use okta_verifier_testing::TestIssuer; // needs no feature
/// ```
mod missing_feature {}
