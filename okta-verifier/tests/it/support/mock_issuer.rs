//! Verifiers whose issuer is a `MockOkta`: real sockets and real time.

use std::time::{Duration, Instant};

use okta_verifier::{Issuer, VerifiedToken, Verifier, VerifyError, error::UnavailableReason};
use okta_verifier_testing::{Fault, MockOkta};

pub(crate) const AUDIENCE: &str = "api://default";

/// A fetch timeout that does not end on a busy machine either.
pub(crate) const PATIENT: Duration = Duration::from_secs(10);

pub(crate) fn issuer(okta: &MockOkta) -> Issuer {
    okta.issuer(AUDIENCE).any_client_id()
}

/// Returns a verifier for an issuer that responds. Its timeout is long, so that no test fails on a
/// busy machine.
pub(crate) fn verifier(okta: &MockOkta) -> Verifier {
    build(issuer(okta))
}

/// Returns a verifier for an issuer with this fault. Its timeout is short only if nothing else ends
/// the wait.
pub(crate) fn verifier_for_fault(okta: &MockOkta, fault: &Fault) -> Verifier {
    match fault {
        Fault::Hang | Fault::Drip(_) => {
            build_with_timeout(Duration::from_millis(200), issuer(okta))
        }
        _ => verifier(okta),
    }
}

/// Starts an issuer, and returns it with a verifier that has fetched its keys.
pub(crate) async fn warmed_up() -> (MockOkta, Verifier) {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    verifier.warm_up().await.unwrap();
    (okta, verifier)
}

/// Warms `verifier` up, also on a machine that is too busy for its short timeout.
pub(crate) async fn warm_up_until_it_succeeds(verifier: &Verifier) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while verifier.warm_up().await.is_err() {
        assert!(Instant::now() < deadline, "the issuer does not respond");
        tokio::task::yield_now().await;
    }
}

pub(crate) fn build(issuer: Issuer) -> Verifier {
    build_with_timeout(PATIENT, issuer)
}

pub(crate) fn build_with_timeout(timeout: Duration, issuer: Issuer) -> Verifier {
    Verifier::builder()
        .issuer(issuer)
        .fetch_timeout(timeout)
        .build()
        .expect("valid settings")
}

/// Returns the reason why the token could not be verified.
pub(crate) async fn unavailable_reason(verifier: &Verifier, jwt: &str) -> UnavailableReason {
    match verify(verifier, jwt).await {
        Err(VerifyError::Unavailable { source, .. }) => source,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("accepted"),
    }
}

/// Returns the error code, or `ok`.
pub(crate) async fn result_code(verifier: &Verifier, jwt: &str) -> &'static str {
    match verify(verifier, jwt).await {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

async fn verify(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, VerifyError> {
    let result = verifier.verify(jwt).await;
    secret_scan::shown(format!("{result:?} {result:#?}"));
    if let Err(error) = &result {
        secret_scan::error(error);
    }
    result
}
