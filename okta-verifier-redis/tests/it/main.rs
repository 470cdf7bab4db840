//! The store against fake servers of the tests: what they receive, and replies that no real server
//! sends. `tests/redis` has the tests against real servers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod connections;
mod fake;
mod hostile;
mod replies;
mod revocation_log;
mod secrets;
mod sentinel;
mod settings;
mod world;

use std::time::{Duration, Instant};

use okta_verifier::dpop::{ProofUse, ReplayStore};
use okta_verifier_redis::{RedisConfig, RedisReplayStore};
use secret_scan as _;

use self::fake::Fake;

const KEEP: Duration = Duration::from_millis(421_337);
/// A short timeout, for servers that do not reply.
const BRIEF: Duration = Duration::from_millis(100);
const OK: &str = "+OK\r\n";
const NIL: &str = "$-1\r\n";
const LOGIN: &str = "hunter2hunter2";

fn store(config: RedisConfig) -> RedisReplayStore {
    RedisReplayStore::new(config.plaintext()).unwrap()
}

/// Returns a store with the maximum timeout.
fn patient(fake: &Fake) -> RedisReplayStore {
    store(RedisConfig::server(fake.address()).timeout(Duration::from_secs(1)))
}

fn impatient(fake: &Fake) -> RedisReplayStore {
    secret_scan::secret(LOGIN);
    store(
        RedisConfig::server(fake.address())
            .login("default", LOGIN)
            .timeout(BRIEF),
    )
}

async fn first_use(store: &RedisReplayStore, proof: u8) -> Result<ProofUse, String> {
    let answer = store.first_use(&[proof; 32], KEEP).await;
    answer.map_err(|error| {
        secret_scan::shown(format!("{error} {error:?}"));
        error.to_string()
    })
}

/// Sends the same proof on every call.
async fn use_proof(store: &RedisReplayStore) -> Result<ProofUse, String> {
    first_use(store, 7).await
}

/// Polls until `found` returns a value, for at most 10 s, because the machine may be slow.
async fn until<T>(mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came true");
        tokio::task::yield_now().await;
    }
}

async fn until_answered(store: &RedisReplayStore) -> ProofUse {
    until(async || use_proof(store).await.ok()).await
}
