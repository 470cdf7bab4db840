//! The peer okta-verifier, with or without its token cache.

use std::hint::black_box;

use axum::{Router, routing::get};
use kit::{Apps, Peer, Settings};
use okta_verifier::{Issuer, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};

fn main() {
    kit::run::<Ours>();
}

#[derive(Clone)]
struct Ours(Verifier);

impl Peer for Ours {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let issuer = Issuer::okta(settings.issuer, settings.audience);
        let mut builder = Verifier::builder().issuer(issuer.client_id(settings.client_id));
        if !settings.cached {
            builder = builder.token_cache_capacity(0);
        }
        Self(builder.build().expect("the settings are valid"))
    }

    async fn verify(&self, token: &str) -> bool {
        self.0.verify(token).await.map(black_box).is_ok()
    }

    fn apps(&self) -> Option<Apps<Router>> {
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new()
                .route("/", get(handler))
                .route_layer(VerifyLayer::new(self.0.clone())),
        })
    }
}

async fn handler(token: Verified) -> &'static str {
    black_box(token.subject());
    "ok"
}
