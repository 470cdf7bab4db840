//! The peer axum-jwt-auth.

use std::{hint::black_box, sync::Arc};

use axum::{Router, extract::FromRef, routing::get};
use axum_jwt_auth::{Claims as Extracted, Decoder, JwtDecoder, RemoteJwksDecoder};
use jsonwebtoken::{Algorithm, Validation};
use kit::{Apps, Claims, Peer, Settings};

fn main() {
    kit::run::<AxumJwtAuth>();
}

#[derive(Clone)]
struct AxumJwtAuth(Arc<RemoteJwksDecoder>);

#[derive(Clone, FromRef)]
struct AppState {
    decoder: Decoder<Claims>,
}

impl Peer for AxumJwtAuth {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[settings.issuer]);
        validation.set_audience(&[settings.audience]);
        let decoder = RemoteJwksDecoder::builder()
            .jwks_url(settings.jwks_uri)
            .validation(validation)
            .build()
            .expect("the settings are valid");
        decoder.initialize().await.expect("the keys can be fetched");
        Self(Arc::new(decoder))
    }

    async fn verify(&self, token: &str) -> bool {
        let decoded = JwtDecoder::<Claims>::decode(&*self.0, token).await;
        decoded.map(black_box).is_ok()
    }

    fn apps(&self) -> Option<Apps<Router>> {
        let state = AppState {
            decoder: self.0.clone(),
        };
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new().route("/", get(handler)).with_state(state),
        })
    }
}

async fn handler(extracted: Extracted<Claims>) -> &'static str {
    black_box(&extracted.claims.sub);
    "ok"
}
