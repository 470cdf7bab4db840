//! The external URL of this service, which a proof's `htu` must name. The URL is configured, or a trusted
//! proxy selects one of the configured hosts. `Host` and the forwarding headers of other peers are ignored,
//! because the client chooses them.

use std::{borrow::Cow, collections::HashSet, net::IpAddr};

use super::htu::{Htu, target_path};
use crate::{
    error::ConfigError,
    net::{Peers, proxy_header},
    token::ascii::is_tchar,
};

#[derive(Debug)]
pub(crate) enum External {
    Base(Base),
    /// A proxy in one of the networks `peers` sends the host in the header `header`.
    Forwarded {
        peers: Peers,
        header: Box<str>,
        /// The hosts of this service. They are listed because a proxy may forward any host that its client
        /// sent.
        hosts: HashSet<Base>,
    },
}

/// The scheme, host, port and path prefix of this service.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Base {
    origin: Box<str>,
    /// The path prefix, which is empty or has a leading slash and no trailing slash.
    prefix: Box<str>,
}

/// The URL that the client requested.
pub(crate) struct Url<'a> {
    base: &'a Base,
    /// The path inside this service. It is empty if an adapter has stripped the whole path.
    path: Cow<'a, str>,
}

/// The parts of a request from which its external URL is computed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    /// The target of the request line: a path, or a URL of which only the path is used.
    pub(crate) target: &'a str,
    pub(crate) peer: Option<IpAddr>,
    /// The only field line of the proxy's header, or `None` if there are none or several.
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

    pub(crate) fn forwarded(
        peers: Peers,
        header: &str,
        hosts: &[String],
    ) -> Result<Self, ConfigError> {
        let header = proxy_header(header)?;
        let listed = |host: &String| {
            origin(host).ok_or_else(|| ConfigError::ProxyHost { host: host.clone() })
        };
        Ok(Self::Forwarded {
            peers,
            header,
            hosts: hosts.iter().map(listed).collect::<Result<_, _>>()?,
        })
    }

    /// Returns the name, in lower case, of the header in which the trusted proxy sends the external host,
    /// or `None` if the URL is configured.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Base(_) => None,
            Self::Forwarded { header, .. } => Some(header),
        }
    }

    /// Returns the URL that the client requested, or `None` if the peer is not a trusted proxy, the proxy
    /// did not send a listed host, or the target's path is malformed or has dot segments.
    pub(crate) fn url<'a>(&'a self, place: Place<'a>) -> Option<Url<'a>> {
        let path = match place.target {
            "" => Cow::Borrowed(""),
            target if target.starts_with('?') => Cow::Borrowed(""),
            target => target_path(target)?,
        };
        let base = match self {
            Self::Base(base) => base,
            Self::Forwarded {
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
    /// Returns whether a proof's `htu` is this URL (RFC 9449 §4.3, item 9). The prefix and the path are
    /// compared separately, so that a path such as `/../x` cannot leave the prefix.
    pub(crate) fn is(&self, htu: &Htu<'_>) -> bool {
        let Base { origin, prefix } = self.base;
        if htu.origin != origin.as_ref() {
            return false;
        }
        match htu.path.strip_prefix(&**prefix) {
            // A request target is never empty (RFC 9112 §3.2.1): a gateway that strips `/v1` from
            // `/v1` and from `/v1/` sends `/` for both.
            Some("") => matches!(&*self.path, "" | "/"),
            Some(path) => path == self.path,
            None => false,
        }
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

/// Returns whether the origin uses https, because RFC 9449 §2 requires TLS, or is on loopback, for
/// development.
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

/// Parses an origin, or a host without a scheme, which means https. Returns `None` for any other value.
/// This includes a list, because the client may have written the first element of the list.
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

/// Parses the origin of a `Forwarded` value (RFC 7239 §4), or returns `None` if the value is rejected. The
/// value must be one element with `host` and `proto`. Names must be tokens, values must be tokens or quoted
/// strings, and no parameter may occur twice.
///
/// A comma is rejected everywhere, also in quoted strings. If a proxy appends an element, it sends a list
/// whose first element the client has written. The client could open a quoted string in the first element
/// to hide the comma.
fn forwarded(value: &str) -> Option<Base> {
    if value.contains(',') {
        return None;
    }
    let (mut host, mut proto) = (None, None);
    let mut names = [""; MAX_PARAMETERS];
    let mut rest = value.trim_matches(WHITESPACE);
    for number in 0.. {
        let (name, value, after) = parameter(rest)?;
        let mut before = names.iter().take(number);
        if before.any(|other| other.eq_ignore_ascii_case(name)) {
            return None;
        }
        *names.get_mut(number)? = name;
        if name.eq_ignore_ascii_case("host") {
            host = Some(value);
        } else if name.eq_ignore_ascii_case("proto") {
            proto = Some(value);
        }
        let after = after.trim_start_matches(WHITESPACE);
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix(';')?.trim_start_matches(WHITESPACE);
    }
    let scheme = ["https", "http"]
        .into_iter()
        .find(|scheme| proto.is_some_and(|proto| proto.eq_ignore_ascii_case(scheme)))?;
    origin(&format!("{scheme}://{}", host?))
}

/// Returns the name and the value of the first parameter, and the rest, or `None` if the text does not
/// begin with a parameter. A quoted string is returned without its quotes but with its escapes. A scheme or
/// host with an escape is rejected later.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix('=')?;
    let (value, rest) = match rest.strip_prefix('"') {
        Some(rest) => quoted(rest)?,
        None => token(rest)?,
    };
    Some((name, value, rest))
}

/// Returns a token (RFC 9110 §5.6.2) and the rest, or `None` if the text does not begin with a token.
fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_tchar(byte));
    let (token, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    (!token.is_empty()).then_some((token, rest))
}

/// Returns the content of a quoted string (RFC 9110 §5.6.4) after its first quote, and the rest. Returns
/// `None` if the string has no end or is not ASCII (`obs-text`).
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'\t' | b' '..=b'~') {
            return None;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

// Optional whitespace (RFC 9110 §5.6.3).
const WHITESPACE: [char; 2] = [' ', '\t'];
/// The maximum number of parameters. RFC 7239 registers four, and a proxy may add others.
const MAX_PARAMETERS: usize = 16;
