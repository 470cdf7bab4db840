//! The peer oauth-resource-server.

use std::{hint::black_box, sync::Arc};

use axum::{Router, routing::get};
use kit::{Apps, Peer, Settings};
use oauth_resource_server::{
    AuthorizedToken, KeyNaming, OAuthConfig, OAuthValidator, axum::AuthLayer,
};

fn main() {
    kit::run::<OauthResourceServer>();
}

#[derive(Clone)]
struct OauthResourceServer(Arc<OAuthValidator>);

impl Peer for OauthResourceServer {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let config = OAuthConfig {
            enabled: true,
            issuer: settings.issuer,
            jwks_uri: Some(settings.jwks_uri),
            audience: settings.audience,
            resource: "https://api.example.com".to_owned(),
            // No scope is required, as for the other peers. This peer reads the client ID only from
            // `client_id` and `azp`, not from Okta's `cid`.
            allow_unscoped_tokens: true,
            ..OAuthConfig::default()
        };
        let config = config
            .resolve(KeyNaming::Dotted("oauth"))
            .expect("the settings are valid")
            .expect("the configuration is enabled");
        let validator = Arc::new(OAuthValidator::new(&config).expect("the settings are valid"));
        validator.spawn_background_refresh();
        Self(validator)
    }

    async fn verify(&self, token: &str) -> bool {
        self.0.validate(token).await.map(black_box).is_ok()
    }

    fn apps(&self) -> Option<Apps<Router>> {
        let layer = AuthLayer::builder().oauth(self.0.clone()).build();
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new()
                .route("/", get(handler))
                .route_layer(layer.expect("the layer has a credential")),
        })
    }
}

async fn handler(token: AuthorizedToken) -> &'static str {
    black_box(&token.subject);
    "ok"
}
