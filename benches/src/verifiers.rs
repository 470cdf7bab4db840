//! Verifiers, and calls that need no async runtime.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use okta_verifier::{
    Issuer, VerifiedToken, Verifier, VerifyError,
    adapter::RequestCredentials,
    revocation::{Revocations, Rule, SubjectClaim},
};
use okta_verifier_testing::MockOkta;
use tokio::runtime::Runtime;

/// Starts a tokio runtime with one worker thread.
///
/// # Panics
///
/// Panics if the thread cannot be started.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Builds a verifier of one issuer.
///
/// # Panics
///
/// Panics if the settings of `issuer` are invalid.
#[must_use]
pub fn verifier(issuer: Issuer, token_cache_capacity: u64) -> Verifier {
    Verifier::builder()
        .issuer(issuer)
        .token_cache_capacity(token_cache_capacity)
        .build()
        .expect("good settings")
}

/// An issuer on a socket, whose keys are fetched as in a real service.
#[derive(Debug)]
pub struct Served {
    /// The issuer.
    pub okta: MockOkta,
    runtime: Runtime,
}

impl Default for Served {
    /// Starts the issuer.
    ///
    /// # Panics
    ///
    /// Panics if no socket is available.
    fn default() -> Self {
        let runtime = runtime();
        let okta = runtime.block_on(MockOkta::start());
        Self { okta, runtime }
    }
}

impl Served {
    /// Builds a verifier that has just fetched its keys, so that no further fetch is due during the
    /// measurement.
    ///
    /// # Panics
    ///
    /// Panics if the keys are unavailable.
    #[must_use]
    pub fn verifier(&self, token_cache_capacity: u64) -> Verifier {
        let verifier = verifier(
            self.okta.issuer("api://default").any_client_id(),
            token_cache_capacity,
        );
        self.runtime
            .block_on(verifier.warm_up())
            .expect("the keys can be fetched over loopback");
        verifier
    }

    /// Builds a verifier like [`verifier`](Self::verifier), with revocation rules, one of which is about each thing that
    /// a token names.
    ///
    /// # Panics
    ///
    /// Panics if the keys are unavailable.
    #[must_use]
    pub fn revocable(&self, token_cache_capacity: u64) -> Verifier {
        let settings = Revocations::builder().session_claim("sid");
        let revocations = settings.forgets_at_restart().build();
        let revocations = revocations.expect("good settings");
        let verifier = Verifier::builder()
            .issuer(self.okta.issuer("api://default").any_client_id())
            .token_cache_capacity(token_cache_capacity)
            .revocations(revocations.clone())
            .build()
            .expect("good settings");
        let url = self.okta.issuer_url();
        for rule in [
            Rule::token(url, "other"),
            Rule::subject(url, SubjectClaim::Subject, "other"),
            Rule::session_of(url, "other", SubjectClaim::OktaUserId, "other"),
            Rule::client(url, "other"),
            Rule::subject_at_client(url, SubjectClaim::Subject, "other", "other"),
        ] {
            let revoked = self.runtime.block_on(revocations.revoke(rule));
            revoked.expect("a known issuer");
        }
        self.runtime
            .block_on(verifier.warm_up())
            .expect("the keys can be fetched over loopback");
        verifier
    }

    /// Exhausts the rate limit for unknown key IDs, as a flood of tokens with such IDs does.
    pub fn spend_budget(&self, verifier: &Verifier) {
        for _ in 0..10 {
            let jwt = self.okta.token("eve").unpublished_key().sign();
            let rejected = self.runtime.block_on(verifier.verify(&jwt));
            assert!(rejected.is_err(), "the key is unknown");
        }
    }
}

/// Calls [`Verifier::verify`] where no fetch is needed.
///
/// # Errors
///
/// Returns the error of [`Verifier::verify`].
///
/// # Panics
///
/// Panics if a fetch is needed.
pub fn verify(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, VerifyError> {
    ready(verifier.verify(jwt))
}

/// Returns whether a request with this `Authorization` is accepted without I/O, as an adapter calls it.
#[must_use]
pub fn accepts(verifier: &Verifier, authorization: &str) -> bool {
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let result = verifier.authenticate(&credentials).into_ready();
    result.is_ok_and(|result| result.is_ok())
}

/// Returns the output of `future`, which must be ready at once.
///
/// # Panics
///
/// Panics if the future is pending.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is ready at the first poll"),
    }
}
