//! Used proofs in a Redis server.

mod address;
mod failure;
mod line;
mod server;

use std::{fmt, sync::Arc, time::Duration};

use base64::Engine;
use tokio::runtime::Handle;

use self::{address::Address, failure::Failure, server::Server};
use super::{ProofUse, ReplayAnswer, ReplayStore};
use crate::{error::ConfigError, token::BASE64URL};

/// Remembers used DPoP proofs in a Redis or Valkey server (feature `redis`), so that a proof passes
/// once over all instances of a service (RFC 9449 §11.1).
///
/// ```
/// use okta_verifier::{ConfigError, DpopSettings, RedisReplayStore};
///
/// let store = RedisReplayStore::new("rediss://api:password@redis.internal:6379/0")?;
/// let settings = DpopSettings::base_url("https://api.example.com").replay_store(store);
///
/// let wrong = RedisReplayStore::new("https://redis.internal");
/// assert!(matches!(wrong, Err(ConfigError::RedisReplayStore { .. })));
/// # Ok::<(), ConfigError>(())
/// ```
///
/// Each proof is one `SET <prefix><digest> 1 NX PX <milliseconds>`, over one connection. It is made
/// when the first proof comes, so a service starts while the server is down, and made again after a
/// failure, at first within 250 ms and at last every 2 s. Whatever the server answers but `OK`
/// and nil, and no answer in [time](Self::timeout), refuses the request with 503, also where the
/// proof may have been stored. Clones share the connection.
///
/// A key takes about 170 bytes, and lives for the past of the window and 6 minutes. One caller gets
/// [`replay_capacity_per_caller`](crate::DpopSettings::replay_capacity_per_caller) keys per process.
///
/// The server must forget nothing before its time: `maxmemory-policy noeviction`, so that a full
/// one answers with an error, and no `FLUSHDB`. Replication is asynchronous: a replica that takes
/// over may lack the last moments, and a proof out of them passes once more, within its minute. A
/// cluster is not followed (`MOVED` is an error): name a server that has all keys.
///
/// The connection lives on the runtime of the request that first needed it. Where a service has
/// several, as actix-web has one a worker, a handler that blocks that one keeps all from the
/// server, and they are refused: block in [`spawn_blocking`](tokio::task::spawn_blocking).
#[derive(Clone)]
pub struct RedisReplayStore {
    server: Arc<Server>,
    prefix: Arc<str>,
    timeout: Duration,
}

impl RedisReplayStore {
    /// `url` is `rediss://[user][:password@]host[:port][/database]`, or the same with `redis://`
    /// and without TLS, for a private network or loopback: who can write on that way can let
    /// replays through. Certificates are judged as those of issuers, by the system's roots.
    ///
    /// Without I/O to the server. Nothing shows the URL.
    ///
    /// # Errors
    ///
    /// It is no such URL; or the system has no CA certificates.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            server: Arc::new(Server::new(Address::parse(url).map_err(wrong)?)),
            prefix: "okta-verifier:dpop:".into(),
            timeout: Duration::from_millis(500),
        })
    }

    /// What the keys begin with. Default `okta-verifier:dpop:`; 1 to 64 visible ASCII characters.
    /// Services that share a server and accept the same proofs must not share it with others.
    ///
    /// ```
    /// # use okta_verifier::RedisReplayStore;
    /// let store = RedisReplayStore::new("redis://127.0.0.1")?;
    /// assert!(store.clone().key_prefix("orders:dpop:").is_ok());
    /// assert!(store.key_prefix("orders dpop").is_err());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It is empty, longer, or has another character.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, ConfigError> {
        if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(wrong("key_prefix: write 1 to 64 visible ASCII characters"));
        }
        self.prefix = prefix.into();
        Ok(self)
    }

    /// How long a request waits for the server, for a connection and the answer together. Default
    /// 500 ms; 10 ms to 1 s.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::RedisReplayStore;
    /// let store = RedisReplayStore::new("redis://127.0.0.1")?;
    /// assert!(store.clone().timeout(Duration::from_millis(100)).is_ok());
    /// assert!(store.timeout(Duration::from_secs(2)).is_err()); // every request would wait for it
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It is out of bounds.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if !(Duration::from_millis(10)..=Duration::from_secs(1)).contains(&timeout) {
            return Err(wrong("timeout: write 10 ms to 1 s"));
        }
        self.timeout = timeout;
        Ok(self)
    }
}

impl ReplayStore for RedisReplayStore {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        let key = format!("{}{}", self.prefix, BASE64URL.encode(proof));
        let question = self.server.clone().first_use(key, keep, self.timeout);
        Box::pin(async move {
            let runtime = Handle::try_current().map_err(|_| Failure::NoRuntime)?;
            // In a task of its own: callers that go away must not hide that the server is silent.
            let answer = runtime.spawn(question).await;
            Ok(match answer.map_err(|_| Failure::Abandoned)?? {
                true => ProofUse::First,
                false => ProofUse::Replayed,
            })
        })
    }
}

/// Shows no URL.
impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore")
            .field("key_prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn wrong(problem: &'static str) -> ConfigError {
    ConfigError::RedisReplayStore { problem }
}
