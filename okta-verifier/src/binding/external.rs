//! Under which URL the outside knows this service. It is never guessed: it is configured, or a
//! named proxy chooses it among those that are. `Host` and `X-Forwarded-*` are anybody's word.

use std::{borrow::Cow, collections::HashSet, net::IpAddr};

use super::{
    htu::{Htu, target_path},
    peers::Peers,
};
use crate::{alphabet::is_tchar, error::ConfigError};

#[derive(Debug)]
pub(crate) enum External {
    Base(Base),
    Proxy {
        peers: Peers,
        header: Box<str>,
        /// Those that are ours: a proxy may pass on what a caller says.
        hosts: HashSet<Base>,
    },
}

/// Scheme, host and port, and the path that the service's own paths are appended to.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Base {
    origin: Box<str>,
    /// Empty, or with a slash before and none behind.
    prefix: Box<str>,
}

/// Where the outside called.
pub(crate) struct Url<'a> {
    base: &'a Base,
    path: Cow<'a, str>,
}

/// What a request says of its own place.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    /// The target of the request line: a path, or a URL whose path alone counts.
    pub(crate) target: &'a str,
    pub(crate) peer: Option<IpAddr>,
    /// The one field line of the proxy's header; `None` also where there are several.
    pub(crate) forwarded: Option<&'a [u8]>,
}

impl External {
    pub(crate) fn base(url: &str) -> Result<Self, ConfigError> {
        Base::parse(url)
            .filter(|base| is_secure(&base.origin))
            .map(Self::Base)
            .ok_or_else(|| ConfigError::BaseUrl {
                url: url.to_owned(),
            })
    }

    pub(crate) fn proxy(
        cidrs: &[String],
        header: &str,
        hosts: &[String],
    ) -> Result<Self, ConfigError> {
        let peers = Peers::new(cidrs)?;
        if header.is_empty()
            || !header.bytes().all(is_tchar)
            || ["host", "authorization", "dpop"]
                .iter()
                .any(|name| header.eq_ignore_ascii_case(name))
        {
            return Err(ConfigError::ProxyHeader {
                header: header.to_owned(),
            });
        }
        let listed = |host: &String| {
            origin(host).ok_or_else(|| ConfigError::ProxyHost { host: host.clone() })
        };
        Ok(Self::Proxy {
            peers,
            header: header.to_ascii_lowercase().into(),
            hosts: hosts.iter().map(listed).collect::<Result<_, _>>()?,
        })
    }

    /// The name of the header that the proxy says it in, in lower case.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Base(_) => None,
            Self::Proxy { header, .. } => Some(header),
        }
    }

    /// The URL that the outside knows this request by. `None`: nobody says so who may.
    pub(crate) fn url<'a>(&'a self, place: Place<'a>) -> Option<Url<'a>> {
        let path = target_path(place.target)?;
        let base = match self {
            Self::Base(base) => base,
            Self::Proxy {
                peers,
                header,
                hosts,
            } => {
                let value = place.forwarded.filter(|_| peers.contain(place.peer))?;
                let value = std::str::from_utf8(value).ok()?;
                let said = match &**header {
                    "forwarded" => forwarded(value)?,
                    _ => origin(value)?,
                };
                hosts.get(&said)?
            }
        };
        Some(Url { base, path })
    }
}

impl Url<'_> {
    /// Prefix and path are compared apart: a path of `/../x` never leaves the prefix.
    pub(crate) fn is(&self, htu: &Htu<'_>) -> bool {
        let Base { origin, prefix } = self.base;
        htu.origin == origin.as_ref() && htu.path.strip_prefix(&**prefix) == Some(&self.path)
    }
}

impl Base {
    fn parse(url: &str) -> Option<Self> {
        if url.contains(['?', '#']) {
            return None;
        }
        let Htu { origin, path } = Htu::parse(url)?;
        Some(Self {
            origin: origin.into(),
            prefix: path.trim_end_matches('/').into(),
        })
    }
}

/// RFC 9449 §2 wants TLS; loopback alone does without, for development.
fn is_secure(origin: &str) -> bool {
    let loopback = |host: &str| {
        origin
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_prefix(host))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    origin.starts_with("https://")
        || ["localhost", "127.0.0.1", "[::1]"]
            .into_iter()
            .any(loopback)
}

/// A whole origin, or a host alone, which is one of https. A list is refused: its first word may
/// be the caller's own.
fn origin(value: &str) -> Option<Base> {
    let url = if value.contains("://") {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(format!("https://{value}"))
    };
    let base = Base::parse(&url)?;
    let slashes = url.matches('/').count();
    (slashes == 2 && base.prefix.is_empty() && is_secure(&base.origin)).then_some(base)
}

/// RFC 7239 §4: one element that says `host` and `proto`, each once.
fn forwarded(value: &str) -> Option<Base> {
    let (mut host, mut proto) = (None, None);
    for pair in value.split(';') {
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value.trim_end_matches(' '))?;
        let slot = match name.trim_matches(' ').to_ascii_lowercase().as_str() {
            "host" => &mut host,
            "proto" => &mut proto,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    origin(&format!("{}://{}", proto?, host?))
}

/// A token or a quoted string. One with an escape, or with what separates elements and pairs, is
/// refused: no host or scheme has it, and who looks for it is up to something.
fn unquoted(value: &str) -> Option<&str> {
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,;/?#".contains(&byte);
    value.bytes().all(plain).then_some(value)
}
