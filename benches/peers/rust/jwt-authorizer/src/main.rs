//! The peer jwt-authorizer, with axum 0.7, which it requires.

use std::{hint::black_box, io, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use jwt_authorizer::{Authorizer, IntoLayer, JwtAuthorizer, JwtClaims, Validation};
use kit::{App, Apps, Claims, Peer, Settings};
use tokio::net::TcpListener;
use tower::ServiceExt;

fn main() {
    kit::run::<JwtAuthorizerPeer>();
}

#[derive(Clone)]
struct JwtAuthorizerPeer(Arc<Authorizer<Claims>>);

impl Peer for JwtAuthorizerPeer {
    type App = Axum07;

    async fn start(settings: Settings) -> Self {
        let validation = Validation::new()
            .iss(&[settings.issuer])
            .aud(&[settings.audience]);
        let authorizer = JwtAuthorizer::<Claims>::from_jwks_url(&settings.jwks_uri)
            .validation(validation)
            .build()
            .await;
        Self(Arc::new(authorizer.expect("the settings are valid")))
    }

    async fn verify(&self, token: &str) -> bool {
        self.0.check_auth(token).await.map(black_box).is_ok()
    }

    fn apps(&self) -> Option<Apps<Axum07>> {
        let guarded = Router::new()
            .route("/", get(handler))
            .layer(vec![self.0.clone()].into_layer());
        Some(Apps {
            open: Axum07(Router::new().route("/", get(|| async { "ok" }))),
            guarded: Axum07(guarded),
        })
    }
}

async fn handler(JwtClaims(claims): JwtClaims<Claims>) -> &'static str {
    black_box(&claims.sub);
    "ok"
}

#[derive(Clone)]
struct Axum07(Router);

impl App for Axum07 {
    async fn oneshot(&self, authorization: HeaderValue) -> StatusCode {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(AUTHORIZATION, authorization);
        let answer = ServiceExt::oneshot(self.0.clone(), request).await;
        answer.map_or_else(|never| match never {}, |answer| answer.status())
    }

    async fn serve(self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self.0).await
    }
}
