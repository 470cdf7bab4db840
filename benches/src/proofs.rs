//! The holder of a DPoP-bound token: its requests, and the bare verification of their proofs.

use okta_verifier::{Algorithm, Verifier, adapter::RequestCredentials, dpop::DpopSettings};
use okta_verifier_testing::{Client, TestIssuer};

use crate::raw::Raw;

/// The base URL that requests are sent to.
pub const BASE: &str = "https://api.example.com";

/// A client, with a verifier that can store as many proofs of one client as a run needs.
#[derive(Debug)]
pub struct Holder {
    algorithm: Algorithm,
    client: Client,
    jwt: String,
    authorization: String,
    verifier: Verifier,
}

impl Holder {
    /// Creates a holder that signs its proofs with `algorithm`. No nonces are required.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self::with(algorithm, DpopSettings::base_url(BASE))
    }

    /// Creates a holder whose verifier has these `settings`.
    ///
    /// # Panics
    ///
    /// Panics if the settings are invalid.
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

    /// Returns a new proof, with the nonce that the verifier currently requires.
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

    /// Prepares the verification of the proof's signature alone.
    ///
    /// # Panics
    ///
    /// Panics if `proof` is not a proof of this holder.
    #[must_use]
    pub fn raw(&self, proof: &str) -> Raw {
        let jwk = serde_json::from_str(&self.client.jwk()).expect("a JWK");
        Raw::by(&jwk, self.algorithm, proof)
    }

    /// Returns whether a request with this proof is accepted.
    ///
    /// # Panics
    ///
    /// Panics if the verification needs I/O.
    #[must_use]
    pub fn accepts(&self, proof: &str) -> bool {
        let credentials = RequestCredentials::new([self.authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders?page=2");
        let result = self.verifier.authenticate(&credentials).into_ready();
        result.expect("no I/O").is_ok()
    }
}
