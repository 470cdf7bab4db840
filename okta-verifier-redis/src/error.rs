//! `RedisConfigError`: an invalid setting.

/// A setting of a [`RedisConfig`](crate::RedisConfig), a
/// [`RedisReplayStore`](crate::RedisReplayStore) or a
/// [`RedisRevocationLog`](crate::RedisRevocationLog) is invalid. The error text says what is wrong or what
/// to set instead. The text shows no configured value, because a value may contain a password.
///
/// ```
/// use okta_verifier_redis::{RedisConfig, RedisConfigError, RedisReplayStore};
///
/// let error = RedisReplayStore::new(RedisConfig::server("redis.internal:0")).unwrap_err();
/// assert!(matches!(error, RedisConfigError::Address));
/// assert_eq!(error.to_string(), "address: write host or host:port, such as redis.internal:6379 or [::1]:6379");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// The URL of a server cannot be used.
    #[error("URL: {problem}")]
    Url {
        /// What is wrong, or what to set instead.
        problem: &'static str,
    },
    /// An address of a server or a sentinel is not a host with an optional port.
    #[error("address: write host or host:port, such as redis.internal:6379 or [::1]:6379")]
    Address,
    /// The list of sentinels or of cluster servers is empty.
    #[error("addresses: the list is empty; write at least one address")]
    NoAddress,
    /// The name under which the sentinels monitor the primary cannot be used.
    #[error(
        "sentinel: write the name of the primary as in `sentinel monitor`: letters, digits, `.`, `-` and `_`"
    )]
    PrimaryName,
    /// A login is incomplete, or belongs to sentinels that are not configured.
    #[error("login: {problem}")]
    Login {
        /// What is wrong, or what to set instead.
        problem: &'static str,
    },
    /// A database other than 0 is set for a cluster.
    #[error("database: a cluster has only the database 0")]
    Database,
    /// The TLS settings cannot be used.
    #[error("TLS: {problem}")]
    Tls {
        /// What is wrong, or what to set instead.
        problem: &'static str,
    },
    /// A timeout is out of bounds.
    #[error("{setting}: write {range}")]
    Timeout {
        /// The method that sets the timeout.
        setting: &'static str,
        /// The accepted values.
        range: &'static str,
    },
    /// The prefix of the keys cannot be used.
    #[error("key_prefix: write 1 to 64 visible ASCII characters other than braces")]
    KeyPrefix,
}
