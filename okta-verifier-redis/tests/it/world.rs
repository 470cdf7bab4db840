//! A verifier with a store, and a client whose proofs it verifies.

use okta_verifier::{
    Rejection, VerifiedToken, Verifier, adapter::RequestCredentials, dpop::DpopSettings,
};
use okta_verifier_redis::RedisReplayStore;
use okta_verifier_testing::{Client, TestIssuer};

pub(super) struct World {
    client: Client,
    jwt: String,
    pub(super) verifier: Verifier,
}

impl World {
    pub(super) fn new(store: RedisReplayStore) -> Self {
        let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
        let settings = DpopSettings::base_url("https://api.example.com").replay_store(store);
        secret_scan::shown(format!("{settings:?} {settings:#?}"));
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .dpop(settings)
            .build()
            .unwrap();
        let jwt = client.bind(okta.token("ada")).sign();
        Self {
            client,
            jwt,
            verifier,
        }
    }

    /// Sends a request with a new proof. If `jti` is given, the proof has that `jti`.
    pub(super) async fn send(&self, jti: Option<&str>) -> Result<VerifiedToken, Rejection> {
        let proof = self.client.proof("GET", "https://api.example.com/orders");
        let proof = proof.token(&self.jwt);
        let proof = jti.into_iter().fold(proof, |proof, jti| proof.jti(jti));
        let (authorization, proof) = (format!("DPoP {}", self.jwt), proof.sign());
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders");
        let verdict = self.verifier.authenticate(&credentials).await;
        secret_scan::verdict(&verdict);
        verdict
    }
}
