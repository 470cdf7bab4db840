//! The peer aliri, with aliri_oauth2 for the keys and aliri_tower for the layer.

use std::{hint::black_box, time::Duration};

use aliri::{JwtRef, jwa, jwt};
use aliri_clock::UnixTime;
use aliri_oauth2::{Authority, HasScope, Scope, ScopePolicy};
use aliri_tower::Oauth2Authorizer;
use axum::{Extension, Router, routing::get};
use kit::{Apps, Peer, Settings};
use serde::Deserialize;

fn main() {
    kit::run::<Aliri>();
}

#[derive(Clone)]
struct Aliri(Authority);

impl Peer for Aliri {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let validator = jwt::CoreValidator::default()
            .add_approved_algorithm(jwa::Algorithm::RS256)
            .add_allowed_audience(jwt::Audience::new(settings.audience))
            .require_issuer(jwt::Issuer::new(settings.issuer))
            .check_expiration();
        let authority = Authority::new_from_url(settings.jwks_uri, validator).await;
        let authority = authority.expect("the keys can be fetched");
        authority.spawn_refresh(Duration::from_secs(600));
        Self(authority)
    }

    async fn verify(&self, token: &str) -> bool {
        let token = JwtRef::from_str(token);
        let any_scope = ScopePolicy::allow_any();
        let verified = self.0.verify_token::<AliriClaims>(token, &any_scope);
        verified.map(black_box).is_ok()
    }

    fn apps(&self) -> Option<Apps<Router>> {
        let authorizer = Oauth2Authorizer::new()
            .with_claims::<AliriClaims>()
            .with_terse_error_handler();
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new()
                .route("/", get(handler))
                .layer(authorizer.jwt_layer(self.0.clone())),
        })
    }
}

async fn handler(Extension(claims): Extension<AliriClaims>) -> &'static str {
    black_box(&claims.sub);
    "ok"
}

/// [`kit::Claims`] with the types that aliri's validation requires. aliri reads `scope`, not Okta's
/// `scp`.
#[derive(Clone, Deserialize)]
#[allow(dead_code, reason = "an API would read them")]
struct AliriClaims {
    ver: u32,
    jti: String,
    iss: jwt::Issuer,
    aud: jwt::Audiences,
    sub: jwt::Subject,
    iat: u64,
    exp: UnixTime,
    nbf: Option<UnixTime>,
    auth_time: u64,
    cid: String,
    uid: String,
    scp: Vec<String>,
    #[serde(default = "Scope::empty")]
    scope: Scope,
    groups: Vec<String>,
}

impl jwt::CoreClaims for AliriClaims {
    fn nbf(&self) -> Option<UnixTime> {
        self.nbf
    }

    fn exp(&self) -> Option<UnixTime> {
        Some(self.exp)
    }

    fn aud(&self) -> &jwt::Audiences {
        &self.aud
    }

    fn iss(&self) -> Option<&jwt::IssuerRef> {
        Some(&self.iss)
    }

    fn sub(&self) -> Option<&jwt::SubjectRef> {
        Some(&self.sub)
    }
}

impl HasScope for AliriClaims {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}
