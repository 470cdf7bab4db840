//! `RedisReplayStore`: used DPoP proofs in Redis.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::dpop::{ProofUse, ReplayAnswer, ReplayStore};
use redis::Value;

use crate::{
    config::{RedisConfig, checked_prefix},
    connection::{Command, Connection},
    error::RedisConfigError,
};

/// Stores used DPoP proofs in Redis or Valkey, so that all instances of a service together accept a
/// proof once (RFC 9449 §11.1).
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
/// Each proof is stored with one command, `SET <prefix><digest> 1 NX PX <milliseconds>`. The reply `OK` means
/// first use, and nil means replay. Any other reply, a lost connection, or no reply within the
/// [timeout](RedisConfig::timeout) is an error: the request is rejected with 503, although the proof may have
/// been stored. The command is sent again only after a redirection in a cluster, because a redirection means
/// that the command was not executed.
///
/// The first proof opens the connection, so a service can start while the server is down. After a failure the
/// store waits before it reconnects: at most 250 ms at first, and at most 2 s after repeated failures. Until
/// then requests are rejected at once. Clones share the connection.
///
/// A key takes about 170 bytes. It is kept for the maximum age in the
/// [window](okta_verifier::dpop::DpopSettings::window) plus 6 minutes. If a proof's `iat` is in the
/// future, its key is kept longer, at most by the maximum future offset of the window. One caller can
/// store [`replay_capacity_per_caller`](okta_verifier::dpop::DpopSettings::replay_capacity_per_caller)
/// keys per process.
///
/// The connection runs on the runtime of the request that opened it. If a service has several runtimes
/// (with actix-web, one per worker), a handler that blocks this runtime delays the proofs of all other
/// runtimes, until their requests are rejected. Run blocking code in
/// [`spawn_blocking`](tokio::task::spawn_blocking).
#[derive(Clone)]
pub struct RedisReplayStore {
    connection: Arc<Connection>,
    prefix: Arc<str>,
}

impl RedisReplayStore {
    /// Returns a store with the given settings. Connects to no server.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is invalid or the system has no CA certificates. The error text
    /// says what is wrong or what to set instead.
    pub fn new(config: RedisConfig) -> Result<Self, RedisConfigError> {
        Ok(Self {
            connection: Arc::new(config.connection()?),
            prefix: "okta-verifier:dpop:".into(),
        })
    }

    /// Sets the prefix of the keys: 1 to 64 visible ASCII characters. Braces are not allowed, because
    /// they would put all keys into one slot of a cluster. The default is `okta-verifier:dpop:`.
    ///
    /// Instances that accept the same proofs need the same prefix. Another service on the same server
    /// needs a different prefix.
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
    /// Returns an error if the prefix is empty, is too long, or contains a character that is not
    /// allowed.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, RedisConfigError> {
        self.prefix = checked_prefix(prefix)?.into();
        Ok(self)
    }
}

impl ReplayStore for RedisReplayStore {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        let key = format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(proof));
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        // No `WAIT` follows: it would hold up all commands of the connection, and a replica without the proof
        // could still be promoted.
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

/// Omits the login.
impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore")
            .field("key_prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
