//! The holder of a DPoP-bound token: its requests, and the bare verification of their proofs.

use std::time::Duration;

use okta_verifier::{
    Algorithm, Verifier,
    adapter::RequestCredentials,
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
};
use okta_verifier_testing::{Client, TestIssuer};

use crate::{raw::Raw, verifiers::ready};

/// The base URL that requests are sent to.
pub const BASE: &str = "https://api.example.com";

/// Returns settings without nonces, with a store of this process for as many proofs as a run needs.
pub fn stored_here() -> DpopSettings {
    DpopSettings::base_url(BASE).replay_capacity(PROOFS)
}

/// Returns settings without nonces, with an [`InstantStore`] for as many proofs as a run needs.
pub fn stored_remotely() -> DpopSettings {
    let settings = DpopSettings::base_url(BASE).replay_store(InstantStore);
    settings.replay_capacity_per_caller(PROOFS)
}

const PROOFS: usize = 4_000_000;

/// A replay store that answers at once that it has not seen the proof. A request that uses it costs what this
/// library does.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it will have no fields")]
pub struct InstantStore;

impl ReplayStore for InstantStore {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async { Ok(ProofUse::First) })
    }
}

/// A client and its verifier.
#[derive(Debug)]
pub struct Holder {
    algorithm: Algorithm,
    client: Client,
    jwt: String,
    authorization: String,
    verifier: Verifier,
}

impl Holder {
    /// Creates a holder that signs its proofs with `algorithm`. Its settings are [`stored_here`].
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self::with(algorithm, stored_here())
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
                .dpop(settings)
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
    /// Panics if the request has to wait, and for a remote store without a tokio runtime, whose timer limits
    /// the wait.
    #[must_use]
    pub fn accepts(&self, proof: &str) -> bool {
        let credentials = RequestCredentials::new([self.authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders?page=2");
        ready(self.verifier.authenticate(&credentials)).is_ok()
    }
}
