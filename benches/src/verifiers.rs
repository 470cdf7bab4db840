//! Verifiers, and calls of them that need no runtime around.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use okta_verifier::{Issuer, Presented, VerifiedToken, Verifier, VerifyError};
use okta_verifier_testing::MockOkta;
use tokio::runtime::Runtime;

/// Of one issuer.
///
/// # Panics
///
/// When `issuer` is a wrong one.
#[must_use]
pub fn verifier(issuer: Issuer, cached_tokens: u64) -> Verifier {
    Verifier::builder()
        .issuer(issuer)
        .cached_tokens(cached_tokens)
        .build()
        .expect("good settings")
}

/// An issuer that is asked over a socket: what a service has, and not pinned keys.
#[derive(Debug)]
pub struct Served {
    /// The issuer.
    pub okta: MockOkta,
    runtime: Runtime,
}

impl Default for Served {
    /// # Panics
    ///
    /// When the system gives no socket.
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let okta = runtime.block_on(MockOkta::start());
        Self { okta, runtime }
    }
}

impl Served {
    /// A verifier that has fetched its keys: young ones, so that nothing is fetched for a while.
    ///
    /// # Panics
    ///
    /// When the keys cannot be had.
    #[must_use]
    pub fn verifier(&self, cached_tokens: u64) -> Verifier {
        let verifier = verifier(
            self.okta.issuer("api://default").any_client_id(),
            cached_tokens,
        );
        self.runtime
            .block_on(verifier.warm_up())
            .expect("keys over loopback");
        verifier
    }

    /// Lets unknown kids use up what they may ask of the issuer, as a flood of them does.
    pub fn spend_budget(&self, verifier: &Verifier) {
        for _ in 0..10 {
            let jwt = self.okta.token("eve").unpublished_key().sign();
            let refused = self.runtime.block_on(verifier.verify(&jwt));
            assert!(refused.is_err(), "its key is nobody's");
        }
    }
}

/// [`Verifier::verify`], where nothing has to be fetched.
///
/// # Errors
///
/// As there.
///
/// # Panics
///
/// When something has to be fetched.
pub fn verify(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, VerifyError> {
    ready(verifier.verify(jwt))
}

/// Whether a request with this `Authorization` is accepted, at once; what an adapter calls.
#[must_use]
pub fn accepts(verifier: &Verifier, authorization: &str) -> bool {
    let presented = Presented::new([authorization.as_bytes()]);
    let verdict = verifier.authenticate(&presented).into_ready();
    verdict.is_ok_and(|verdict| verdict.is_ok())
}

/// What `future` gives at once.
///
/// # Panics
///
/// When it waits.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here has to wait"),
    }
}
