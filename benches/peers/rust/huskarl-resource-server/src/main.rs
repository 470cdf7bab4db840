//! The peer huskarl-resource-server, with its validator for profiles other than RFC 9068. Its RFC 9068
//! validator requires `typ: at+jwt` and `client_id`, and Okta sends neither.

use std::{hint::black_box, sync::Arc};

use axum::routing::get;
use http::{HeaderMap, HeaderValue, Method, Uri, header::AUTHORIZATION};
use huskarl_axum::{extractors::ValidatedToken, layers::ValidatorLayer};
use huskarl_reqwest::ReqwestClient;
use huskarl_resource_server::{
    core::platform::MaybeSendBoxFuture,
    validator::{
        AccessTokenValidator, ValidationResult,
        custom::CustomValidator,
        metadata::{ProvideValidatorMetadata, ValidatorMetadata},
    },
};
use kit::{Apps, Peer, Router, Settings};
use serde::Deserialize;

fn main() {
    kit::run::<Huskarl>();
}

#[derive(Clone)]
struct Huskarl(Arc<CustomValidator<OktaClaims>>);

impl Peer for Huskarl {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let client = ReqwestClient::builder().build().await;
        let validator = CustomValidator::builder()
            .with_claims::<OktaClaims>()
            .iss(settings.issuer)
            .aud(settings.audience)
            .allowed_signing_algorithms(vec!["RS256".to_owned()])
            .jwks_uri(settings.jwks_uri.parse().expect("a URI"))
            .jwks_source(client.expect("a client"))
            .build()
            .await;
        Self(Arc::new(validator.expect("the keys can be fetched")))
    }

    /// The validator accepts only requests, so the result includes the time to build the header, about
    /// a hundred nanoseconds.
    async fn verify(&self, token: &str) -> bool {
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        headers.insert(AUTHORIZATION, bearer.expect("a token is a field value"));
        let uri = Uri::from_static("https://api.example.com/");
        let result = self.0.validate_request(&headers, &Method::GET, &uri, None);
        matches!(black_box(result.await).outcome, Ok(Some(_)))
    }

    fn apps(&self) -> Option<Apps<Router>> {
        let layer = ValidatorLayer::builder().validator(self.clone()).build();
        Some(Apps {
            open: kit::open_app(),
            guarded: Router::new()
                .route("/", get(handler))
                .route_layer(layer.authenticated()),
        })
    }
}

/// The layer takes a validator and no reference to one.
impl AccessTokenValidator for Huskarl {
    type Claims = OktaClaims;
    type Error = <CustomValidator<OktaClaims> as AccessTokenValidator>::Error;

    fn validate_request<'a>(
        &'a self,
        headers: &'a HeaderMap,
        method: &'a Method,
        uri: &'a Uri,
        certificate: Option<&'a [u8]>,
    ) -> MaybeSendBoxFuture<'a, ValidationResult<Self::Claims, Self::Error>> {
        AccessTokenValidator::validate_request(&*self.0, headers, method, uri, certificate)
    }
}

impl ProvideValidatorMetadata for Huskarl {
    fn validator_metadata(&self, resource: Option<&str>) -> ValidatorMetadata {
        self.0.validator_metadata(resource)
    }
}

async fn handler(token: ValidatedToken<OktaClaims>) -> &'static str {
    black_box(&token.sub);
    "ok"
}

/// The claims of [`kit::Claims`] for which the validator has no fields.
#[derive(Clone, Debug, Deserialize)]
#[allow(dead_code, reason = "an API would read them")]
struct OktaClaims {
    ver: u32,
    auth_time: u64,
    cid: String,
    uid: String,
    scp: Vec<String>,
    groups: Vec<String>,
}
