//! The peer okta-jwt-verifier.

use std::hint::black_box;

use kit::{Claims, Peer, Router, Settings};
use okta_jwt_verifier::Verifier;

fn main() {
    kit::run::<OktaJwtVerifier>();
}

#[derive(Clone)]
struct OktaJwtVerifier(Verifier);

impl Peer for OktaJwtVerifier {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let verifier = Verifier::new(&settings.issuer).await;
        let verifier = verifier.expect("the keys can be fetched");
        Self(
            verifier
                .add_audience(&settings.audience)
                .client_id(&settings.client_id),
        )
    }

    async fn verify(&self, token: &str) -> bool {
        let verified = self.0.verify::<Claims>(token).await;
        verified.map(black_box).is_ok()
    }
}
