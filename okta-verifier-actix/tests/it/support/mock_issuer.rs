//! An issuer whose keys must be fetched over a socket.

use std::time::Duration;

use okta_verifier::Verifier;
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use super::AUDIENCE;

/// Starts the issuer.
pub(crate) async fn mock() -> MockOkta {
    let okta = MockOkta::start().await;
    okta.set_audience(AUDIENCE);
    okta
}

/// Builds a verifier that has fetched nothing yet.
pub(crate) fn verifier(okta: &MockOkta) -> Verifier {
    let issuer = okta.issuer(AUDIENCE).any_client_id();
    Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings")
}

pub(crate) fn cold(okta: &MockOkta) -> VerifyMiddleware {
    VerifyMiddleware::new(verifier(okta))
}

/// An issuer whose keys endpoint accepts requests and never responds.
pub(crate) struct HangingIssuer(MockOkta);

impl HangingIssuer {
    pub(crate) async fn start() -> Self {
        let okta = mock().await;
        okta.fault(Endpoint::Keys, Fault::Hang);
        Self(okta)
    }

    pub(crate) fn verifier(&self, fetch_timeout: Duration) -> Verifier {
        let issuer = self.0.issuer(AUDIENCE).any_client_id();
        let builder = Verifier::builder()
            .issuer(issuer)
            .fetch_timeout(fetch_timeout);
        builder.build().expect("valid settings")
    }

    pub(crate) fn token(&self) -> String {
        self.0.token("ada").sign()
    }
}
