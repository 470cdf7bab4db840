//! `RedisReplayStore`: used DPoP proofs that the instances of a service share in Redis or Valkey.
//!
//! A DPoP proof may be used once (RFC 9449 §11.1). Each instance of a service remembers the proofs it
//! has seen; behind a load balancer a proof is then accepted once by each instance. With this store it
//! is accepted once by all of them.
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
//! Wrong settings are errors at startup that say what to write:
//!
//! ```
//! use okta_verifier_redis::{RedisConfig, RedisReplayStore};
//!
//! let error = RedisReplayStore::new(RedisConfig::sentinel("orders", Vec::<String>::new())).unwrap_err();
//! assert_eq!(error.to_string(), "addresses: write at least one");
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
//! | [`RedisReplayStore::key_prefix`] | `okta-verifier:dpop:` | 1 to 64 characters |
//!
//! With TLS the certificate of a server must have the name or IP address under which sentinels and
//! clusters announce it; `sentinel announce-hostnames` and `cluster-preferred-endpoint-type hostname`
//! make them announce names.
//!
//! A sentinel or a server of a cluster can send clients, with their login, to any host whose certificate
//! their roots accept. With the system's roots these are all hosts with a certificate of a public CA. Use a
//! private CA as the only root: [`RedisConfig::only_root_certificates`].
//!
//! Redis 6 is needed for a login of another user than `default`. The user needs the rights `+ping +set` for
//! its keys; Sentinel and clusters need more, which `docs/binding.md` lists.
//!
//! # When Redis fails
//!
//! A request is let in only if the server answered that the proof is new. In every other case it is
//! rejected with 503, and the log of `okta-verifier` has one `warn`.
//!
//! - The command of a proof is sent once. It is sent again only after `MOVED` or `ASK` of a cluster, three
//!   times at most: these replies say that it was not executed. It is never sent again after a lost
//!   connection or a timeout, because the reply would be about the first one. After `CLUSTERDOWN`,
//!   `READONLY`, `LOADING` and `MASTERDOWN` it was not executed either, but these states last longer than a
//!   request may wait: the request is rejected, and the next one finds the new primary.
//! - A server that loses a connection, does not reply in time or refuses a command gets no new connection
//!   for 250 ms, then up to 2 s. Requests meanwhile are rejected at once. One attempt at a time is made, for
//!   all requests.
//! - A connection begins with `PING` and a random text, which the server must repeat: a reply that comes before
//!   its command is not taken as that of a proof.
//! - A server may send 1 MiB since its last reply, and nothing while no command waits for a reply. A server that
//!   sends more loses its connection, as after any other failure.
//!
//! # After a fail-over, proofs may be accepted twice
//!
//! Replication is asynchronous. A replica that becomes the primary may lack the proofs of the last moments
//! before the fail-over, and so may a primary that was cut off from the others while it still accepted
//! commands. Such a proof is accepted once more, while it is less than its window old (60 s by default).
//! `min-replicas-to-write` in Redis shortens the second case. `WAIT` is not sent: it would hold up all
//! commands that share the connection for a round trip to the replicas, and it does not prevent that a
//! replica without the proof is promoted. Require nonces ([`DpopNonces`](okta_verifier::dpop::DpopNonces)) where
//! this is not acceptable.
//!
//! # Why the crate redis, and which part of it
//!
//! The protocol and pipelining are those of the crate [`redis`](https://docs.rs/redis), over streams of this
//! crate. Its login sends the password without the user to a server that knows no users. Its own TLS takes the crypto provider of
//! the process and panics where there are two; its Sentinel client has no other TLS. Its cluster client
//! counts a redirection and a lost connection as the same retry, so it either follows no `MOVED` or repeats
//! a command that may have been executed, and it holds up the requests to all servers while it asks one for
//! the topology. `fred` accepts a rustls configuration and can separate the two kinds of retry, but queues
//! requests while it connects, answers none of them before their timeout, and had its last release in March
//! 2025.

mod config;
mod connection;
mod error;
mod replay;

pub use config::RedisConfig;
pub use error::RedisConfigError;
pub use replay::RedisReplayStore;
