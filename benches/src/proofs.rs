//! A holder of a DPoP-bound token: requests with it, and the bare verification of their proofs.

use okta_verifier::{Algorithm, DpopSettings, Presented, Verifier};
use okta_verifier_testing::{Client, TestIssuer};

use crate::raw::Raw;

/// The base URL that requests are sent to.
pub const BASE: &str = "https://api.example.com";

/// With a verifier that has room for as many proofs of one caller as a run may need.
#[derive(Debug)]
pub struct Holder {
    algorithm: Algorithm,
    client: Client,
    jwt: String,
    authorization: String,
    verifier: Verifier,
}

impl Holder {
    /// Its proofs are signed with `algorithm`; no nonces are demanded.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self::with(algorithm, DpopSettings::base_url(BASE))
    }

    /// The same where requests are judged by `settings`.
    ///
    /// # Panics
    ///
    /// When they are wrong ones.
    #[must_use]
    pub fn with(algorithm: Algorithm, settings: DpopSettings) -> Self {
        let okta = TestIssuer::new("api://default");
        let client = Client::with_algorithm(algorithm);
        let token = okta.token("joe.smith@example.com").scope("orders:read");
        let jwt = client.bind(token).sign();
        Self {
            algorithm,
            authorization: format!("DPoP {jwt}"),
            jwt,
            client,
            verifier: Verifier::builder()
                .issuer(okta.issuer().client_id("0oatest"))
                .dpop(settings.replay_capacity(4_000_000))
                .build()
                .expect("good settings"),
        }
    }

    /// A new proof, with the nonce that the verifier demands now.
    #[must_use]
    pub fn proof(&self) -> String {
        let url = format!("{BASE}/orders");
        let proof = self.client.proof("GET", &url).token(&self.jwt);
        let nonce = self.verifier.response_headers().next();
        let nonce = nonce.as_ref().and_then(|(_, value)| value.to_str().ok());
        match nonce {
            Some(nonce) => proof.nonce(nonce).sign(),
            None => proof.sign(),
        }
    }

    /// The verification of that proof's signature, and nothing around it.
    ///
    /// # Panics
    ///
    /// When `proof` is none of this holder's.
    #[must_use]
    pub fn raw(&self, proof: &str) -> Raw {
        let jwk = serde_json::from_str(&self.client.jwk()).expect("a JWK");
        Raw::by(&jwk, self.algorithm, proof)
    }

    /// Whether a request with this proof is accepted.
    ///
    /// # Panics
    ///
    /// When something has to be waited for.
    #[must_use]
    pub fn accepts(&self, proof: &str) -> bool {
        let presented = Presented::new([self.authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders?page=2");
        let verdict = self.verifier.authenticate(&presented).into_ready();
        verdict.expect("no I/O").is_ok()
    }
}
