//! What the instances of a service share in Redis or Valkey: used DPoP proofs ([`RedisReplayStore`]) and rules about
//! revoked tokens ([`RedisRevocationLog`]).
//!
//! # Used DPoP proofs
//!
//! A DPoP proof may be used once (RFC 9449 §11.1). By default each instance of a service remembers only
//! the proofs that it has seen, so behind a load balancer each instance accepts a proof once. With this
//! store a proof is accepted once by all instances together.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
//! use okta_verifier_redis::{RedisConfig, RedisReplayStore};
//!
//! let redis = RedisConfig::sentinel("orders", ["sentinel-1.internal", "sentinel-2.internal", "sentinel-3.internal"])
//!     .login("api", std::env::var("REDIS_PASSWORD")?);
//! let verifier = Verifier::builder()
//!     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa1client"))
//!     .dpop(DpopSettings::base_url("https://api.example.com").replay_store(RedisReplayStore::new(redis)?))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Revoked tokens
//!
//! A rule about revoked tokens that one instance learns, from the issuer or from an operator, must reach all of them.
//! With this log each instance appends its rules to a stream in Redis, and reads the rules of all. [`RedisRevocationLog`]
//! says what is stored and how a lost rule is noticed.
//!
//! # Invalid settings
//!
//! Invalid settings are errors at startup, which say what to set instead:
//!
//! ```
//! use okta_verifier_redis::{RedisConfig, RedisReplayStore};
//!
//! let error = RedisReplayStore::new(RedisConfig::sentinel("orders", Vec::<String>::new())).unwrap_err();
//! assert_eq!(error.to_string(), "addresses: the list is empty; write at least one address");
//! ```
//!
//! # Settings
//!
//! | setting | default | values |
//! |---|---|---|
//! | [`RedisConfig::server`], [`sentinel`](RedisConfig::sentinel), [`cluster`](RedisConfig::cluster) | required | addresses `host` or `host:port`; ports 6379, and 26379 for sentinels |
//! | TLS | on, with the system's roots and the crypto provider of aws-lc-rs | [`root_certificates`](RedisConfig::root_certificates), [`only_root_certificates`](RedisConfig::only_root_certificates), [`crypto_provider`](RedisConfig::crypto_provider), [`tls_config`](RedisConfig::tls_config), [`plaintext`](RedisConfig::plaintext) |
//! | [`login`](RedisConfig::login), [`sentinel_login`](RedisConfig::sentinel_login) | none | user and password |
//! | [`database`](RedisConfig::database) | 0 | 0 to 65,535; 0 for a cluster |
//! | [`timeout`](RedisConfig::timeout) | 500 ms | 10 ms to 1 s |
//! | [`connect_timeout`](RedisConfig::connect_timeout) | 1 s | 100 ms to 10 s |
//! | [`RedisReplayStore::key_prefix`] | `okta-verifier:dpop:` | 1 to 64 visible ASCII characters other than braces |
//! | [`RedisRevocationLog::key_prefix`] | `okta-verifier:revocation:` | the same |
//!
//! With TLS, the certificate of a server must have the name or IP address that sentinels and clusters
//! announce for it. `sentinel announce-hostnames` and `cluster-preferred-endpoint-type hostname` make
//! them announce names.
//!
//! A sentinel or a server of a cluster can direct this crate, with its login, to any host with a certificate
//! from a trusted CA. With the system's root certificates, that is every host with a certificate of a public
//! CA. Trust only a private CA instead: [`RedisConfig::only_root_certificates`].
//!
//! A login of a user other than `default` requires Redis 6. For the keys of the [`RedisReplayStore`] the user needs the
//! rights `+ping +set`; `okta-verifier/docs/revocation.md` lists those for a [`RedisRevocationLog`]. Sentinels and clusters
//! require more rights; `okta-verifier/docs/dpop-and-mtls.md` lists them.
//!
//! # When Redis fails
//!
//! A request with DPoP is accepted only if the server replies that the proof is new. A replayed proof is rejected
//! with 401. If the server sends no valid reply, the request is rejected with 503, and `okta-verifier`
//! logs one `warn`. If the log of revoked tokens cannot be read, the rules that an instance knows still apply. All
//! other tokens are accepted for `max_lag` after the last read, and then `in_doubt` decides.
//!
//! - Each proof is stored with one command, and the log is read and appended to with one command each. A command is sent
//!   once. In a cluster the command is sent again after
//!   `MOVED` or `ASK`, three times at most, because these replies mean that the command was not executed. The
//!   command is never sent again after a lost connection or a timeout, because the reply would reflect the
//!   effect of the first command. `CLUSTERDOWN`, `READONLY`, `LOADING` and `MASTERDOWN` also mean that the
//!   command was not executed, but these states last longer than a request may wait: the request is rejected,
//!   and a later request may find a new primary.
//! - After a failure (a failed connection attempt, a connection that is lost before a reply, no reply in
//!   time, or a rejected command) the store or the log waits before it reconnects: at most 250 ms at first, and at most
//!   2 s after repeated failures. Until then requests are rejected at once. Each server has at most one
//!   connection attempt at a time, for all requests.
//! - Before the first command, each connection sends `PING` with a random text, which the server must repeat. A
//!   reply that arrives before any command is therefore not mistaken for the reply to a command.
//! - A server may send at most 1 MiB per reply, and nothing while no command waits for a reply. The
//!   connection to a server that sends more is closed, as after any other failure.
//!
//! # After a fail-over, proofs may be accepted twice
//!
//! Replication is asynchronous. A replica that becomes the primary may lack the proofs of the last
//! moments before the fail-over. The same is true if the former primary was cut off from the replicas
//! while it still accepted commands. Such a proof is accepted once more, until it is older than its
//! window (60 s by default). `min-replicas-to-write` in Redis shortens the second case. This crate does
//! not send `WAIT`: it would delay all commands that share the connection for a round trip to the
//! replicas, and a replica without the proof could still be promoted. Require nonces
//! ([`DpopNonces`](okta_verifier::dpop::DpopNonces)) if this is not acceptable.
//!
//! # Why the crate redis, and which part of it
//!
//! The crate [`redis`](https://docs.rs/redis) provides the protocol and pipelining, over the streams of
//! this crate. Its other parts are not used. Its login sends the password without the user to a server
//! that has no users. Its TLS uses the crypto provider of the process and panics if there are two, and
//! its Sentinel client supports no other TLS. Its cluster client treats a redirection and a lost
//! connection as the same kind of retry, so it either follows no `MOVED` or repeats a command that may
//! have been executed. It also delays the requests to all servers while it fetches the topology. `fred`
//! accepts a rustls configuration and can separate the two kinds of retry, but it queues requests while
//! it connects, fails them only after their timeout, and had its last release in March 2025.

mod config;
mod connection;
mod error;
mod replay;
mod revocation_log;

pub use config::RedisConfig;
pub use error::RedisConfigError;
pub use replay::RedisReplayStore;
pub use revocation_log::RedisRevocationLog;
