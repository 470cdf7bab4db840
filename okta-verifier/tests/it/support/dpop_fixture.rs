//! A request with a DPoP-bound token.

use http::Response;
use okta_verifier::{
    Rejection, VerifiedToken, Verifier, VerifierBuilder, adapter::RequestCredentials,
    dpop::DpopSettings,
};
use okta_verifier_testing::{Client, ProofBuilder, TestIssuer};

pub(crate) const BASE: &str = "https://api.example.com";
pub(crate) const TARGET: &str = "/orders?page=2";
pub(crate) const URL: &str = "https://api.example.com/orders";

/// A verifier with DPoP enabled, and a token that its issuer bound to the key of `client`.
pub(crate) struct Fixture {
    pub(crate) okta: TestIssuer,
    pub(crate) client: Client,
    pub(crate) verifier: Verifier,
    pub(crate) jwt: String,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(DpopSettings::base_url(BASE))
    }

    pub(crate) fn with(settings: DpopSettings) -> Self {
        Self::build(|builder| builder.dpop(settings))
    }

    /// Behind a proxy that names one of these hosts in `X-Forwarded-Host`.
    pub(crate) fn behind_proxy<const N: usize>(hosts: [&str; N]) -> Self {
        Self::build(|builder| {
            builder
                .dpop(DpopSettings::forwarded_host())
                .trusted_proxies(["10.0.0.0/8"])
                .forwarded_host("X-Forwarded-Host", hosts)
        })
    }

    fn build(settings: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Self {
        let okta = TestIssuer::new("api://orders");
        let client = Client::new();
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        let verifier = settings(builder).build().unwrap();
        let jwt = client.bind(okta.token("ada")).sign();
        Self {
            okta,
            client,
            verifier,
            jwt,
        }
    }

    /// Returns a valid proof for `GET /orders` with the token.
    pub(crate) fn proof(&self) -> ProofBuilder {
        self.client.proof("GET", URL).token(&self.jwt)
    }

    /// Authenticates `GET /orders?page=2` with the token and these proofs.
    pub(crate) fn send(&self, proofs: &[&str]) -> AuthenticationResult {
        let authorization = format!("DPoP {}", self.jwt);
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop(proofs.iter().map(|proof| proof.as_bytes()))
            .request("GET", TARGET);
        self.verifier
            .authenticate(&credentials)
            .into_ready()
            .expect("decided without I/O")
    }
}

pub(crate) type AuthenticationResult = Result<VerifiedToken, Rejection>;

/// Returns the error code, or `ok`.
pub(crate) fn code_of(result: &AuthenticationResult) -> &'static str {
    secret_scan::verdict(result);
    match result {
        Ok(_) => "ok",
        Err(rejection) => rejection.error().map_or("none", |error| error.code()),
    }
}

/// Returns the text of the error behind a rejection.
pub(crate) fn reason(result: AuthenticationResult) -> String {
    secret_scan::verdict(&result);
    let rejection = result.expect_err("rejected");
    rejection.error().expect("an error").to_string()
}

/// Returns the status and the values of `WWW-Authenticate`.
pub(crate) fn status_and_challenges(result: AuthenticationResult) -> (u16, Vec<String>) {
    secret_scan::verdict(&result);
    let response: Response<String> = result.expect_err("rejected").into_response();
    let values = response.headers().get_all("www-authenticate");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let texts = values
        .iter()
        .map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), texts.collect())
}
