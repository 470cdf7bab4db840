//! `RedisReplayStore` and `RedisRevocationLog` against real servers, sentinels and clusters, which each
//! test starts for itself. `ci/redis` runs them; `cargo test -p okta-verifier-redis` has the tests that need none.

mod authority;
mod cluster;
mod fleet;
mod instances;
mod outage;
mod proxy;
mod revocation_log;
mod rights;
mod sentinel;
mod server;
mod soak;
mod store;
mod tls;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use okta_verifier::{
    Rejection, VerifiedToken, Verifier,
    adapter::RequestCredentials,
    dpop::{DpopSettings, ProofUse, ReplayStore},
};
use okta_verifier_redis::{RedisConfig, RedisReplayStore};
use okta_verifier_testing::{Client, TestIssuer};
use secret_scan as _;

const KEEP: Duration = Duration::from_secs(450);
/// A machine that builds something else at the same time may be slow.
const PATIENCE: Duration = Duration::from_secs(1);

fn store(config: RedisConfig) -> RedisReplayStore {
    RedisReplayStore::new(config.timeout(PATIENCE)).expect("settings")
}

async fn first_use(store: &RedisReplayStore, proof: u8) -> Result<ProofUse, String> {
    let answer = store.first_use(&[proof; 32], KEEP).await;
    if let Err(error) = &answer {
        secret_scan::error(&**error);
    }
    answer.map_err(|error| error.to_string())
}

/// The key of a proof.
fn key(proof: u8) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = (0..43).map(|at| {
        let bit = |number: usize| usize::from(number < 256 && proof << (number % 8) & 0x80 != 0);
        (0..6).fold(0, |value, offset| value << 1 | bit(6 * at + offset))
    });
    let digest: String = bits.map(|value| char::from(ALPHABET[value])).collect();
    format!("okta-verifier:dpop:{digest}")
}

/// Polls for 20 s at most.
async fn until<F: Future<Output = bool>>(mut is: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is().await {
        assert!(Instant::now() < deadline, "it never came true");
        pause().await;
    }
}

/// Waits before the next poll: the server needs the processor too.
async fn pause() {
    wait(Duration::from_millis(10)).await;
}

async fn wait(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// A client, and what instances of a service have in common.
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

    /// An instance with a connection of its own.
    fn instance(&self, config: RedisConfig) -> Verifier {
        let settings = DpopSettings::base_url("https://api.example.com");
        Verifier::builder()
            .issuer(self.okta.issuer().any_client_id())
            .dpop(settings.replay_store(store(config)))
            .build()
            .expect("settings")
    }

    fn proof(&self) -> String {
        let proof = self.client.proof("GET", "https://api.example.com/orders");
        proof.token(&self.jwt).sign()
    }

    async fn send(&self, instance: &Verifier, proof: &str) -> Result<VerifiedToken, Rejection> {
        let authorization = format!("DPoP {}", self.jwt);
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders");
        let verdict = instance.authenticate(&credentials).await;
        secret_scan::verdict(&verdict);
        verdict
    }

    /// The status; 200 for a token that is let in.
    async fn status(&self, instance: &Verifier, proof: &str) -> u16 {
        let verdict = self.send(instance, proof).await;
        verdict.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    }
}
