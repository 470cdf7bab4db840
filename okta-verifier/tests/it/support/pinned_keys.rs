//! Verifiers with pinned keys: every result is ready without I/O.

use std::time::{SystemTime, UNIX_EPOCH};

use okta_verifier::{
    Issuer, Rejection, VerifiedToken, Verifier, VerifyError, adapter::RequestCredentials,
};
use okta_verifier_testing::{TestIssuer, TokenBuilder};

pub(crate) const AUDIENCE: &str = "api://orders";

pub(crate) fn okta() -> TestIssuer {
    TestIssuer::new(AUDIENCE)
}

pub(crate) fn build(issuer: Issuer) -> Verifier {
    Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings")
}

/// Returns a verifier that accepts every client.
pub(crate) fn verifier(okta: &TestIssuer) -> Verifier {
    build(okta.issuer().any_client_id())
}

pub(crate) fn authenticate(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, Rejection> {
    let authorization = format!("Bearer {jwt}");
    let result = verifier
        .authenticate(&RequestCredentials::new([authorization.as_bytes()]))
        .into_ready()
        .expect("decided without I/O");
    secret_scan::verdict(&result);
    result
}

pub(crate) fn verify(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, VerifyError> {
    authenticate(verifier, jwt)
        .map_err(|rejection| rejection.error().expect("a verification error").clone())
}

/// Returns the error code, or `ok`.
pub(crate) fn code(verifier: &Verifier, jwt: &str) -> &'static str {
    verify(verifier, jwt).map_or_else(|error| error.code(), |_| "ok")
}

pub(crate) fn assert_code(verifier: &Verifier, token: TokenBuilder, expected: &str) {
    let jwt = token.sign();
    assert_eq!(code(verifier, &jwt), expected, "{jwt}");
}

/// Returns the seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}
