//! `RedisReplayStore`: used DPoP proofs in Redis.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::dpop::{ProofUse, ReplayAnswer, ReplayStore};
use redis::Value;

use crate::{
    config::RedisConfig,
    connection::{Command, Connection},
    error::RedisConfigError,
};

/// Stores used DPoP proofs in Redis or Valkey, so that a proof is accepted once by all instances of a
/// service (RFC 9449 §11.1).
///
/// ```
/// use okta_verifier::dpop::DpopSettings;
/// use okta_verifier_redis::{RedisConfig, RedisConfigError, RedisReplayStore};
///
/// let redis = RedisConfig::server("redis.internal").login("api", "password");
/// let store = RedisReplayStore::new(redis)?; // no I/O to the server
/// let settings = DpopSettings::base_url("https://api.example.com").replay_store(store);
///
/// let wrong = RedisReplayStore::new(RedisConfig::server("https://redis.internal"));
/// assert!(matches!(wrong, Err(RedisConfigError::Address)));
/// # Ok::<(), RedisConfigError>(())
/// ```
///
/// Each proof is one command, `SET <prefix><digest> 1 NX PX <milliseconds>`. `OK` means first use and
/// nil means replay. Everything else is an error, and the request is rejected with 503: another reply, a
/// lost connection, and no reply within the [timeout](RedisConfig::timeout), although the proof may have
/// been stored. The command is sent again only after a cluster's redirection, which says that it was not
/// executed.
///
/// The connection is made when the first proof comes, so a service starts while the server is down. After
/// a failure it is made again: within 250 ms at first, and every 2 s at most. Until then requests are
/// rejected at once. Clones share the connection.
///
/// A key takes about 170 bytes and lives for the past of the
/// [window](okta_verifier::dpop::DpopSettings::window) and 6 minutes; that of a proof which is dated ahead lives
/// longer, up to the past and the future of the window and 6 minutes. One caller gets
/// [`replay_capacity_per_caller`](okta_verifier::dpop::DpopSettings::replay_capacity_per_caller) keys per
/// process.
///
/// The connection lives on the runtime of the request that first needed it. Where a service has several
/// runtimes, as actix-web has one per worker, a handler that blocks that runtime delays all others until
/// they are rejected: block in [`spawn_blocking`](tokio::task::spawn_blocking).
#[derive(Clone)]
pub struct RedisReplayStore {
    connection: Arc<Connection>,
    prefix: Arc<str>,
}

impl RedisReplayStore {
    /// Returns a store with the given settings. Performs no I/O to the server.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or the system has no CA certificates; the error says what to write.
    pub fn new(config: RedisConfig) -> Result<Self, RedisConfigError> {
        Ok(Self {
            connection: Arc::new(config.connection()?),
            prefix: "okta-verifier:dpop:".into(),
        })
    }

    /// Sets what the keys begin with: 1 to 64 visible ASCII characters without braces, which would put
    /// all keys into one slot of a cluster. Default `okta-verifier:dpop:`.
    ///
    /// Instances that accept the same proofs need the same prefix. Give another service on the same server
    /// one of its own.
    ///
    /// ```
    /// # use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    /// let store = RedisReplayStore::new(RedisConfig::server("redis.internal"))?;
    /// assert!(store.clone().key_prefix("orders:dpop:").is_ok());
    /// assert!(store.key_prefix("orders dpop").is_err());
    /// # Ok::<(), okta_verifier_redis::RedisConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The prefix is empty, too long, or has another character.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, RedisConfigError> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
        if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(is_allowed) {
            return Err(RedisConfigError::KeyPrefix);
        }
        self.prefix = prefix.into();
        Ok(self)
    }
}

impl ReplayStore for RedisReplayStore {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        let key = format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(proof));
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut set = redis::cmd("SET");
        set.arg(&key).arg("1").arg("NX").arg("PX").arg(keep);
        let command = Command {
            command: set,
            is_reply: |value| matches!(value, Value::Okay | Value::Nil),
        };
        Box::pin(async move {
            match self.connection.send(key, command).await? {
                Value::Okay => Ok(ProofUse::First),
                Value::Nil => Ok(ProofUse::Replayed),
                _ => Err("Redis sent an unexpected reply".into()),
            }
        })
    }
}

/// Shows no login.
impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore")
            .field("key_prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
