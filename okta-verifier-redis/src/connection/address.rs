//! Addresses of servers: as they are configured, and as sentinels and clusters announce them.

use std::{fmt, sync::Arc};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
}

impl Address {
    /// Parses `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. Returns `None` for any other text.
    pub(crate) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (
                    host,
                    rest.strip_prefix(':').or(rest.is_empty().then_some("")),
                )
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let port = match (port?, text.ends_with(':')) {
            ("", false) => default_port,
            (port, _) => port.parse().ok()?,
        };
        Self::new(host, port)
    }

    /// Parses the address in a `MOVED` or `ASK` reply: `host:port`, without brackets around an IPv6
    /// address. An empty host stands for the host of `sender`. Returns `None` if the text is not
    /// such an address.
    pub(super) fn redirected(text: &str, sender: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { &sender.host } else { host };
        Self::new(host, port.parse().ok()?)
    }

    /// Returns the address, or `None` if the host or the port is invalid. Errors show the host, and
    /// the host may come from the network, so only some characters are allowed.
    pub(super) fn new(host: &str, port: u16) -> Option<Self> {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        let is_valid = (1..=253).contains(&host.len()) && host.bytes().all(is_host) && port != 0;
        is_valid.then(|| Self {
            host: host.into(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Address::parse(text, 6379).map(|address| address.to_string())
    }

    #[test]
    fn address_that_is_not_a_host_and_a_port_is_rejected() {
        let long = "x".repeat(254);
        for text in [
            "",
            ":",
            ":6379",
            "host:",
            "host:0",
            "host:65536",
            "host:x",
            "host:1:2",
            "::1",
            "[::1",
            "[::1]6379",
            "[::1]:",
            "[]:6379",
            "user@host",
            "redis://host",
            "host/0",
            "host 1",
            "h\u{f6}st",
            &long,
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn address_has_a_host_and_a_port() {
        for (text, expected) in [
            ("localhost", "localhost:6379"),
            ("redis_1.internal:7000", "redis_1.internal:7000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]", "[::1]:6379"),
            ("[2001:db8::1]:7000", "[2001:db8::1]:7000"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn address_of_a_redirection_may_leave_out_the_host() {
        let sender = Address::parse("10.0.0.1:7000", 6379).unwrap();
        let redirected = |text| Address::redirected(text, &sender).map(|it| it.to_string());
        assert_eq!(
            redirected("10.0.0.2:7001").as_deref(),
            Some("10.0.0.2:7001")
        );
        assert_eq!(redirected(":7001").as_deref(), Some("10.0.0.1:7001"));
        assert_eq!(redirected("::1:7001").as_deref(), Some("[::1]:7001"));
        for text in [
            "",
            "10.0.0.2",
            "?:7001",
            "10.0.0.2:",
            "10.0.0.2:x",
            "a b:7001",
        ] {
            assert_eq!(redirected(text), None, "{text}");
        }
    }
}
