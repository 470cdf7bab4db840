//! `RedisReplayStore` against a real server, which each test starts for itself. `.ci/redis` runs
//! them; `cargo test -p okta-verifier --features redis` has those that need none.

mod instances;
mod outage;
mod rights;
mod server;
mod store;
mod tls;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use okta_verifier::{
    DpopSettings, Presented, ProofUse, RedisReplayStore, Rejection, ReplayStore, VerifiedToken,
    Verifier,
};
use okta_verifier_testing::{Client, TestIssuer};
use watch as _;

const KEEP: Duration = Duration::from_secs(450);
/// A machine that builds something else at the same time may be slow.
const PATIENCE: Duration = Duration::from_secs(1);

fn store(url: &str) -> RedisReplayStore {
    let store = RedisReplayStore::new(url).expect("a URL");
    store.timeout(PATIENCE).expect("a time-out")
}

async fn ask(store: &RedisReplayStore, proof: u8) -> Result<bool, String> {
    let answer = store.first_use(&[proof; 32], KEEP).await;
    if let Err(error) = &answer {
        watch::error(&**error);
    }
    answer
        .map(|proof_use| proof_use == ProofUse::First)
        .map_err(|error| error.to_string())
}

/// Polls for 10 s at most.
async fn until<F: Future<Output = bool>>(mut is: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is().await {
        assert!(Instant::now() < deadline, "it never came true");
        tokio::task::yield_now().await;
    }
}

/// A caller, and what instances of a service have in common.
struct World {
    okta: TestIssuer,
    client: Client,
    jwt: String,
}

impl World {
    fn new() -> Self {
        let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
        let jwt = client.bind(okta.token("ada")).sign();
        Self { okta, client, jwt }
    }

    /// An instance, with a connection of its own.
    fn instance(&self, url: &str) -> Verifier {
        let settings = DpopSettings::base_url("https://api.example.com");
        Verifier::builder()
            .issuer(self.okta.issuer().any_client_id())
            .dpop(settings.replay_store(store(url)))
            .build()
            .expect("settings")
    }

    fn proof(&self) -> String {
        let proof = self.client.proof("GET", "https://api.example.com/orders");
        proof.token(&self.jwt).sign()
    }

    async fn send(&self, instance: &Verifier, proof: &str) -> Result<VerifiedToken, Rejection> {
        let authorization = format!("DPoP {}", self.jwt);
        let presented = Presented::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders");
        let verdict = instance.authenticate(&presented).await;
        watch::verdict(&verdict);
        verdict
    }

    /// The status; 200 for a token that is let in.
    async fn status(&self, instance: &Verifier, proof: &str) -> u16 {
        let verdict = self.send(instance, proof).await;
        verdict.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    }
}
