//! A service that accepts tokens: a verifier with a runtime of its own, for tests without one.

use std::time::Duration;

use okta_verifier::adapter::RequestCredentials;
use okta_verifier::{Issuer, Rejection, VerifiedToken, Verifier, VerifierBuilder};
use tokio::runtime::Runtime;

/// The result of a request: its token, or the rejection.
pub type Outcome = Result<VerifiedToken, Rejection>;

/// A fetch timeout that does not end on a busy machine either.
const PATIENT: Duration = Duration::from_secs(10);

/// A service in front of which a verifier stands.
pub struct Service {
    pub verifier: Verifier,
    runtime: Runtime,
}

impl Service {
    /// Creates a service that accepts the tokens of one issuer.
    pub fn new(issuer: Issuer) -> Self {
        Self::with(Verifier::builder().issuer(issuer))
    }

    /// Creates a service with other settings.
    pub fn with(builder: VerifierBuilder) -> Self {
        Self {
            verifier: builder
                .fetch_timeout(PATIENT)
                .build()
                .expect("valid settings"),
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    /// Sends a request with a bearer token.
    pub fn bearer(&self, token: &str) -> Outcome {
        let authorization = format!("Bearer {token}");
        self.send(&RequestCredentials::new([authorization.as_bytes()]))
    }

    /// Sends a request with a bearer token to a route that requires an introspection result for each request.
    pub fn introspected(&self, token: &str) -> Outcome {
        let authorization = format!("Bearer {token}");
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        self.send(&credentials.max_introspection_age(Duration::ZERO))
    }

    /// Sends a request.
    pub fn send(&self, credentials: &RequestCredentials<'_>) -> Outcome {
        let _entered = self.runtime.enter(); // a fetch is a task of this runtime
        self.runtime
            .block_on(self.verifier.authenticate(credentials))
    }
}

/// Asserts that a request was rejected with this status and code.
#[track_caller]
pub fn assert_rejected(outcome: Outcome, status: u16, code: &str) {
    let Err(rejection) = outcome else {
        panic!("the token is accepted, not rejected with {status} {code}")
    };
    let found = rejection.error().map(okta_verifier::VerifyError::code);
    assert_eq!((rejection.status().as_u16(), found), (status, Some(code)));
}

/// Returns the token of an accepted request.
#[track_caller]
pub fn accepted(outcome: Outcome) -> VerifiedToken {
    outcome.unwrap_or_else(|rejection| panic!("{}: {:?}", rejection.status(), rejection.error()))
}
