//! Sender-constrained tokens, as a request shows them.

mod bad_proofs;
mod challenges;
mod dpop;
mod introspected;
mod mtls;
mod proxy;
mod stores;

use http::Response;
use okta_verifier::{
    DpopSettings, Rejection, VerifiedToken, Verifier, adapter::RequestCredentials,
};
use okta_verifier_testing::{Client, ProofBuilder, TestIssuer};

const BASE: &str = "https://api.example.com";
const TARGET: &str = "/orders?page=2";
const URL: &str = "https://api.example.com/orders";

struct World {
    okta: TestIssuer,
    client: Client,
    verifier: Verifier,
    jwt: String,
}

impl World {
    fn new() -> Self {
        Self::with(DpopSettings::base_url(BASE))
    }

    fn with(settings: DpopSettings) -> Self {
        let okta = TestIssuer::new("api://orders");
        let client = Client::new();
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        let verifier = builder.dpop(settings).build().unwrap();
        let jwt = client.bind(okta.token("ada")).sign();
        Self {
            okta,
            client,
            verifier,
            jwt,
        }
    }

    /// A good proof for `GET /orders` with the token.
    fn proof(&self) -> ProofBuilder {
        self.client.proof("GET", URL).token(&self.jwt)
    }

    fn send(&self, proofs: &[&str]) -> Verdict {
        let authorization = format!("DPoP {}", self.jwt);
        let presented = RequestCredentials::new([authorization.as_bytes()])
            .dpop(proofs.iter().map(|proof| proof.as_bytes()))
            .request("GET", TARGET);
        self.verifier
            .authenticate(&presented)
            .into_ready()
            .expect("decided without I/O")
    }
}

type Verdict = Result<VerifiedToken, Rejection>;

/// The code of the error, or `ok`.
fn code(verdict: &Verdict) -> &'static str {
    secret_scan::verdict(verdict);
    match verdict {
        Ok(_) => "ok",
        Err(rejection) => rejection.error().map_or("none", |error| error.code()),
    }
}

/// What happened inside.
fn reason(verdict: Verdict) -> String {
    secret_scan::verdict(&verdict);
    let rejection = verdict.expect_err("refused");
    rejection.error().expect("an error").to_string()
}

/// Status and the values of `WWW-Authenticate`.
fn challenged(verdict: Verdict) -> (u16, Vec<String>) {
    secret_scan::verdict(&verdict);
    let response: Response<String> = verdict.expect_err("refused").into_response();
    let values = response.headers().get_all("www-authenticate");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let texts = values
        .iter()
        .map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), texts.collect())
}
