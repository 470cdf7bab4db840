//! `RedisConfig`: the servers, TLS, the logins and the timeouts.

use std::{fmt, sync::Arc, time::Duration};

use redis::IntoConnectionInfo;
use rustls::{ClientConfig, crypto::CryptoProvider};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    connection::{Address, Connection, Login, Servers, Settings, Tls},
    error::RedisConfigError,
};

/// Settings of connections to Redis or Valkey: to one server, to the primary that sentinels name, or to
/// a cluster.
///
/// TLS is on by default and trusts the system's root certificates. Invalid settings are reported by
/// [`RedisReplayStore::new`](crate::RedisReplayStore::new) and
/// [`RedisRevocationLog::new`](crate::RedisRevocationLog::new).
///
/// ```
/// use std::time::Duration;
/// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
///
/// let one = RedisConfig::server("redis.internal:6379").login("api", "password");
/// assert!(RedisReplayStore::new(one).is_ok());
///
/// let sentinel = RedisConfig::sentinel("orders", ["sentinel-1.internal", "sentinel-2.internal", "sentinel-3.internal"])
///     .login("api", "password")
///     .sentinel_login("api", "another password");
/// assert!(RedisReplayStore::new(sentinel).is_ok());
///
/// let cluster = RedisConfig::cluster(["redis-1.internal:7000", "redis-2.internal:7000"])
///     .login("api", "password")
///     .timeout(Duration::from_millis(300));
/// assert!(RedisReplayStore::new(cluster).is_ok());
///
/// // A cluster has no other database than 0.
/// assert!(RedisReplayStore::new(RedisConfig::cluster(["redis-1.internal"]).database(1)).is_err());
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisConfig {
    servers: Named,
    transport: Transport,
    login: Option<Credentials>,
    sentinel_login: Option<Credentials>,
    database: u16,
    timeout: Duration,
    connect_timeout: Duration,
}

/// The servers as configured, before their addresses are parsed.
#[derive(Clone)]
enum Named {
    One(String),
    Sentinel {
        primary: String,
        sentinels: Vec<String>,
    },
    Cluster(Vec<String>),
}

#[derive(Clone, Default)]
struct Transport {
    plaintext: bool,
    /// PEM texts with root certificates that are trusted in addition to those of the system.
    roots: Vec<Vec<u8>>,
    /// PEM texts with root certificates. If there are any, those of the system are not trusted.
    only_roots: Vec<Vec<u8>>,
    provider: Option<Arc<CryptoProvider>>,
    config: Option<Arc<ClientConfig>>,
}

#[derive(Clone)]
struct Credentials {
    user: String,
    password: SecretString,
}

impl RedisConfig {
    /// Returns settings for one server. The address is `host` or `host:port`; the default port is 6379.
    /// Write an IPv6 address in brackets.
    pub fn server(address: impl Into<String>) -> Self {
        Self::new(Named::One(address.into()))
    }

    /// Returns settings for the primary that the sentinels name. `primary` is the name that follows
    /// `sentinel monitor` in the configuration of the sentinels. The default port of a sentinel is
    /// 26379.
    ///
    /// The primary is looked up for each new connection. A server that does not report itself as a
    /// primary (`ROLE`) is not used. List all sentinels: they are queried at the same time, and one
    /// answer is enough.
    pub fn sentinel<A: Into<String>>(
        primary: impl Into<String>,
        sentinels: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::new(Named::Sentinel {
            primary: primary.into(),
            sentinels: sentinels.into_iter().map(Into::into).collect(),
        })
    }

    /// Returns settings for a cluster. List two or three of its servers; the others are found with
    /// `CLUSTER SLOTS`.
    pub fn cluster<A: Into<String>>(servers: impl IntoIterator<Item = A>) -> Self {
        Self::new(Named::Cluster(
            servers.into_iter().map(Into::into).collect(),
        ))
    }

    /// Parses the settings for one server from `rediss://[user][:password@]host[:port][/database]`, or
    /// from the same URL with `redis://` for a connection [without TLS](Self::plaintext). If the URL
    /// has a password but no user, the user is `default`.
    ///
    /// ```
    /// use okta_verifier_redis::RedisConfig;
    ///
    /// assert!(RedisConfig::from_url("rediss://api:pass%40word@redis.internal:6380/0").is_ok());
    /// assert!(RedisConfig::from_url("https://redis.internal").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a URL. The error does not contain the text.
    pub fn from_url(url: &str) -> Result<Self, RedisConfigError> {
        let wrong = |problem| RedisConfigError::Url { problem };
        let has_login = url.contains('@');
        let mut url = Url::parse(url).map_err(|_| wrong(WRONG_URL))?;
        let is_plaintext = match url.scheme() {
            "redis" => true,
            "rediss" => false,
            _ => return Err(wrong(WRONG_URL)),
        };
        // Options of other clients, such as `#insecure`, must not be ignored.
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "remove `?` and `#`; in a password, write them as %3F and %23",
            ));
        }
        let database = url.path().strip_prefix('/').unwrap_or_default();
        let database = match database {
            "" => 0,
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map_err(|_| wrong(WRONG_DATABASE))?
            }
            _ => return Err(wrong(WRONG_DATABASE)),
        };
        let host = url.host_str().unwrap_or_default();
        let address = format!("{host}:{}", url.port().unwrap_or(6379));
        Address::parse(&address, 6379).ok_or(wrong(WRONG_URL))?;
        // The crate redis decodes the user and the password. Its TLS feature is off here, so it rejects
        // `rediss`.
        let Ok(Ok(info)) = url.set_scheme("redis").map(|()| url.into_connection_info()) else {
            return Err(wrong(WRONG_URL));
        };
        let mut config = Self::server(address).database(database);
        config.transport.plaintext = is_plaintext;
        let user = info.redis_settings().username();
        match info.redis_settings().password() {
            Some(password) if !password.is_empty() => {
                config = config.login(user.unwrap_or("default"), password);
            }
            // A URL that is built from empty variables has `:@`, which the parser drops.
            _ if has_login => {
                return Err(wrong(
                    "the password is empty: set it, or remove everything between `//` and the host",
                ));
            }
            _ => {}
        }
        Ok(config)
    }

    fn new(servers: Named) -> Self {
        Self {
            servers,
            transport: Transport::default(),
            login: None,
            sentinel_login: None,
            database: 0,
            timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(1),
        }
    }

    /// Sets the user and the password for the Redis servers, not for the sentinels. Use the user
    /// `default` for a password that is set by `requirepass`. Any other user requires Redis 6, because
    /// earlier servers reject the login. The default is no login.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some(Credentials::new(user, password));
        self
    }

    /// Sets the user and the password for the sentinels. The default is no login; the login of the
    /// servers is never sent to a sentinel.
    pub fn sentinel_login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.sentinel_login = Some(Credentials::new(user, password));
        self
    }

    /// Sets the database. The default is 0, the only database of a cluster.
    pub fn database(mut self, number: u16) -> Self {
        self.database = number;
        self
    }

    /// Turns TLS off for servers and sentinels. Use it only on loopback, in a private network or with a
    /// TLS side-car. An attacker who can change the traffic to the server can make replayed proofs
    /// and revoked tokens pass.
    ///
    /// ```
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    ///
    /// let config = RedisConfig::server("127.0.0.1").plaintext();
    /// assert!(RedisReplayStore::new(config.clone()).is_ok());
    /// // Roots without TLS contradict each other.
    /// assert!(RedisReplayStore::new(config.root_certificates("-----BEGIN CERTIFICATE-----")).is_err());
    /// ```
    pub fn plaintext(mut self) -> Self {
        self.transport.plaintext = true;
        self
    }

    /// Trusts the certificates of a private CA (one or more, in PEM) in addition to the system's root
    /// certificates. Repeated calls add certificates.
    ///
    /// ```
    /// # use okta_verifier_testing::Certificate;
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    ///
    /// # let ca = Certificate::new("redis.internal");
    /// let pem = ca.pem(); // of std::fs::read("ca.pem")
    /// let config = RedisConfig::server("redis.internal");
    /// assert!(RedisReplayStore::new(config.clone().root_certificates(pem)).is_ok());
    /// assert!(RedisReplayStore::new(config.root_certificates("no PEM")).is_err());
    /// ```
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.transport.roots.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts the certificates of a private CA (one or more, in PEM) instead of the system's root
    /// certificates. Repeated calls add certificates. This setting cannot be combined with
    /// [`root_certificates`](Self::root_certificates).
    ///
    /// Use this setting with [`sentinel`](Self::sentinel) and [`cluster`](Self::cluster). Sentinels and
    /// the servers of a cluster name the hosts to which this crate connects and sends its login, and this
    /// crate accepts every host with a certificate from a trusted CA. With the system's root certificates,
    /// that is every host with a certificate of a public CA.
    ///
    /// ```
    /// # use okta_verifier_testing::Certificate;
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    ///
    /// # let ca = Certificate::new("redis.internal");
    /// let pem = ca.pem(); // of std::fs::read("ca.pem")
    /// let config = RedisConfig::sentinel("orders", ["sentinel-1.internal"]).only_root_certificates(pem);
    /// assert!(RedisReplayStore::new(config.clone()).is_ok());
    /// assert!(RedisReplayStore::new(config.root_certificates(pem)).is_err());
    /// ```
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.transport.only_roots.push(pem.as_ref().to_vec());
        self
    }

    /// Sets the crypto provider of TLS. The default is that of aws-lc-rs. The crypto provider of the
    /// process is never used, so it does not matter whether one is installed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    ///
    /// let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    /// let config = RedisConfig::server("redis.internal").crypto_provider(provider);
    /// assert!(RedisReplayStore::new(config).is_ok());
    /// ```
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.transport.provider = Some(provider);
        self
    }

    /// Uses this rustls configuration unchanged, for settings that the other methods do not have, such as
    /// a client certificate. This setting cannot be combined with
    /// [`root_certificates`](Self::root_certificates),
    /// [`only_root_certificates`](Self::only_root_certificates) and
    /// [`crypto_provider`](Self::crypto_provider).
    ///
    /// Build the configuration with `ClientConfig::builder_with_provider`. `ClientConfig::builder` uses
    /// the crypto provider of the process and panics if it cannot tell which of two providers to use.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    /// use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
    ///
    /// let roots = RootCertStore::empty(); // and roots.add(..)
    /// let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let config = RedisConfig::server("redis.internal").tls_config(tls);
    /// assert!(RedisReplayStore::new(config.clone()).is_ok());
    /// assert!(RedisReplayStore::new(config.plaintext()).is_err());
    /// # Ok::<(), rustls::Error>(())
    /// ```
    pub fn tls_config(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.transport.config = Some(config.into());
        self
    }

    /// Sets how long a request waits for Redis, including the wait for a connection. The default is 500
    /// ms; 10 ms to 1 s are accepted. The connection to a server that does not reply in this time is
    /// closed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the timeout of a connection attempt: the DNS look-up, TCP, TLS, the login and the query to
    /// the sentinels together. The default is 1 s; 100 ms to 10 s are accepted. An attempt continues
    /// after the request that started it has timed out, and later requests use its connection.
    ///
    /// ```
    /// use std::time::Duration;
    /// use okta_verifier_redis::{RedisConfig, RedisReplayStore};
    ///
    /// let config = RedisConfig::server("redis.far-away.example").connect_timeout(Duration::from_secs(3));
    /// assert!(RedisReplayStore::new(config.clone()).is_ok());
    /// assert!(RedisReplayStore::new(config.timeout(Duration::from_secs(3))).is_err()); // a request waits 1 s at most
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Validates the settings. Connects to no server.
    pub(crate) fn connection(self) -> Result<Connection, RedisConfigError> {
        let servers = self.servers.checked()?;
        let is_sentinel = matches!(servers, Servers::Sentinel(..));
        if matches!(servers, Servers::Cluster(_)) && self.database != 0 {
            return Err(RedisConfigError::Database);
        }
        if self.sentinel_login.is_some() && !is_sentinel {
            return Err(RedisConfigError::Login {
                problem: "sentinel_login requires RedisConfig::sentinel",
            });
        }
        let login = |login: Option<Credentials>| login.map(Credentials::checked).transpose();
        let settings = Settings {
            login: login(self.login)?,
            sentinel_login: login(self.sentinel_login)?,
            database: self.database,
            timeout: within(self.timeout, 10, 1_000, "timeout", "10 ms to 1 s")?,
            connect_timeout: within(
                self.connect_timeout,
                100,
                10_000,
                "connect_timeout",
                "100 ms to 10 s",
            )?,
            tls: self.transport.checked()?,
        };
        Ok(Connection::new(servers, settings))
    }
}

impl Named {
    fn checked(self) -> Result<Servers, RedisConfigError> {
        let address =
            |text: &str, port| Address::parse(text, port).ok_or(RedisConfigError::Address);
        let addresses = |texts: &[String], port| match texts {
            [] => Err(RedisConfigError::NoAddress),
            texts => texts.iter().map(|text| address(text, port)).collect(),
        };
        match &self {
            Self::One(server) => Ok(Servers::One(address(server, SERVER_PORT)?)),
            Self::Cluster(servers) => Ok(Servers::Cluster(addresses(servers, SERVER_PORT)?)),
            Self::Sentinel { primary, sentinels } => {
                // The characters that `sentinel monitor` accepts.
                let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
                if primary.is_empty() || !primary.bytes().all(is_allowed) {
                    return Err(RedisConfigError::PrimaryName);
                }
                let sentinels = addresses(sentinels, SENTINEL_PORT)?;
                Ok(Servers::Sentinel(primary.clone(), sentinels))
            }
        }
    }
}

impl Transport {
    fn checked(self) -> Result<Option<Tls>, RedisConfigError> {
        let wrong = |problem| Err(RedisConfigError::Tls { problem });
        let has_parts =
            !self.roots.is_empty() || !self.only_roots.is_empty() || self.provider.is_some();
        match (self.plaintext, self.config) {
            (true, None) if !has_parts => Ok(None),
            (true, _) => wrong(PLAINTEXT_AND_TLS),
            (false, Some(_)) if has_parts => {
                wrong("tls_config: put the roots and the crypto provider into it")
            }
            (false, Some(config)) => Ok(Some(Tls::with_config(config))),
            (false, None) if self.only_roots.is_empty() => {
                Tls::with_roots(&self.roots, self.provider).map(Some)
            }
            (false, None) if self.roots.is_empty() => {
                Tls::with_only_roots(&self.only_roots, self.provider).map(Some)
            }
            (false, None) => wrong("only_root_certificates: remove root_certificates"),
        }
    }
}

impl Credentials {
    fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into().into(),
        }
    }

    fn checked(self) -> Result<Login, RedisConfigError> {
        if self.user.is_empty() || self.password.expose_secret().is_empty() {
            return Err(RedisConfigError::Login {
                problem: "write a user (`default` for a password alone) and a password",
            });
        }
        let Self { user, password } = self;
        Ok(Login { user, password })
    }
}

fn within(
    timeout: Duration,
    min_millis: u64,
    max_millis: u64,
    setting: &'static str,
    range: &'static str,
) -> Result<Duration, RedisConfigError> {
    match (Duration::from_millis(min_millis)..=Duration::from_millis(max_millis)).contains(&timeout)
    {
        true => Ok(timeout),
        false => Err(RedisConfigError::Timeout { setting, range }),
    }
}

/// Returns the prefix of keys if it is valid. Braces would change the slot of the keys in a cluster.
pub(crate) fn checked_prefix(prefix: &str) -> Result<&str, RedisConfigError> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
    let is_valid = (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_allowed);
    is_valid
        .then_some(prefix)
        .ok_or(RedisConfigError::KeyPrefix)
}

const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const WRONG_URL: &str =
    "write rediss://user:password@host:port/database, or redis:// for a connection without TLS";
const PLAINTEXT_AND_TLS: &str = "plaintext: remove it, or remove root_certificates, only_root_certificates, crypto_provider and tls_config";
const WRONG_DATABASE: &str = "the path must be the number of a database, such as /0";

/// Omits logins and addresses, because an address may be a URL with a password by mistake.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (servers, addresses) = match &self.servers {
            Named::One(_) => ("server", 1),
            Named::Sentinel { sentinels, .. } => ("sentinel", sentinels.len()),
            Named::Cluster(servers) => ("cluster", servers.len()),
        };
        f.debug_struct("RedisConfig")
            .field("servers", &format_args!("{servers}"))
            .field("addresses", &addresses)
            .field("tls", &!self.transport.plaintext)
            .field("has_login", &self.login.is_some())
            .field("has_sentinel_login", &self.sentinel_login.is_some())
            .field("database", &self.database)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish()
    }
}
