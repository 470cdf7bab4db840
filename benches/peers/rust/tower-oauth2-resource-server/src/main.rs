//! The peer tower-oauth2-resource-server.

use std::{convert::Infallible, hint::black_box};

use axum::{
    Extension, Router,
    http::{Request, Response, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use kit::{Apps, Claims, Peer, Settings};
use tower::{Layer, ServiceExt, service_fn};
use tower_oauth2_resource_server::{
    server::OAuth2ResourceServer, tenant::TenantConfiguration, validation::ClaimsValidationSpec,
};

fn main() {
    kit::run::<TowerResourceServer>();
}

#[derive(Clone)]
struct TowerResourceServer(OAuth2ResourceServer<Claims>);

impl Peer for TowerResourceServer {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let checks = ClaimsValidationSpec::new()
            .iss(&settings.issuer)
            .exp(true)
            .aud(&vec![settings.audience]);
        let tenant = TenantConfiguration::builder(settings.issuer)
            .jwks_url(settings.jwks_uri)
            .claims_validation(checks)
            .build()
            .await;
        let server = OAuth2ResourceServer::<Claims>::builder()
            .add_tenant(tenant.expect("the settings are valid"))
            .build()
            .await;
        Self(server.expect("the settings are valid"))
    }

    /// The server accepts only requests, so the result includes the time to build the request and to
    /// run the layer around a minimal service, a few hundred nanoseconds.
    async fn verify(&self, token: &str) -> bool {
        let service = self.0.into_layer::<String>().layer(service_fn(inner));
        let request = Request::builder()
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(());
        let answer = service.oneshot(request.expect("a token is a field value"));
        answer.await.is_ok_and(|it| it.status() == StatusCode::OK)
    }

    fn apps(&self) -> Option<Apps<Router>> {
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new()
                .route("/", get(handler))
                .layer(self.0.into_layer()),
        })
    }
}

async fn inner(request: Request<()>) -> Result<Response<String>, Infallible> {
    black_box(request.extensions().get::<Claims>());
    Ok(Response::new(String::new()))
}

async fn handler(Extension(claims): Extension<Claims>) -> &'static str {
    black_box(&claims.sub);
    "ok"
}
