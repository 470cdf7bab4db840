//! Where the server is, and who we are to it.

use redis::{IntoConnectionInfo, RedisConnectionInfo};
use url::{Host, Url};

use crate::crypto::Tls;

pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    /// User, password and database.
    pub(super) login: RedisConnectionInfo,
}

impl Address {
    /// The error says what to write, and nothing of what was given.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        let mut url = Url::parse(url).map_err(|_| WRONG_URL)?;
        let tls = match url.scheme() {
            "redis" => None,
            "rediss" => Some(()),
            _ => return Err(WRONG_URL),
        };
        let host = match url.host() {
            Some(Host::Domain(host)) => host.to_owned(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(WRONG_URL),
        };
        // No switch hides in these: `#insecure`, as some write it, would turn checks off.
        if url.query().is_some() || url.fragment().is_some() {
            return Err("leave `?` and `#` out of the URL; a password has them as %3F and %23");
        }
        let database = url.path().trim_start_matches('/');
        if url.path() != format!("/{database}") && !url.path().is_empty()
            || !database.is_empty() && database.parse::<u16>().is_err()
        {
            return Err("the URL's path is the number of a database, such as /0");
        }
        if !url.username().is_empty() && url.password().is_none_or(str::is_empty) {
            return Err("the URL has a user and no password");
        }
        let port = url.port().unwrap_or(6379);
        if port == 0 {
            return Err(WRONG_URL);
        }
        // For the crate there is no TLS: it is ours.
        let login = match url.set_scheme("redis").map(|()| url.into_connection_info()) {
            Ok(Ok(info)) => info.redis_settings().clone().set_skip_set_lib_name(),
            _ => return Err(WRONG_URL),
        };
        let tls = tls.map(|()| Tls::new()).transpose().map_err(|_| NO_ROOTS)?;
        Ok(Self {
            host,
            port,
            tls,
            login,
        })
    }
}

const WRONG_URL: &str =
    "write rediss://user:password@host:port/database, or redis:// within a private network";
const NO_ROOTS: &str = "TLS cannot be set up, most often because the system has no CA certificates: install the package ca-certificates";
