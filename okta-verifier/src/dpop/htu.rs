//! Normalizes the `htu` of a proof and the target of a request, so that they can be compared (RFC 9449
//! §4.3, item 9; RFC 3986 §6.2.2 and §6.2.3).

use std::{borrow::Cow, net::Ipv6Addr};

/// An http or https URI without query and fragment, in normal form. Two values are equal if and only if
/// syntax-based and scheme-based normalization make the URIs equivalent. A part that needs no change is
/// usually borrowed.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(any(test, fuzzing), derive(Debug))]
pub(crate) struct Htu<'a> {
    /// `https://api.example.com`, or `https://api.example.com:8443`.
    pub(crate) origin: Cow<'a, str>,
    /// The path, which begins with a slash.
    pub(crate) path: Cow<'a, str>,
}

impl<'a> Htu<'a> {
    /// Normalizes an http or https URI. Returns `None` for any other URI, for a URI with a user name (RFC
    /// 9110 §4.2.4), and for an ambiguous URI, which is not repaired.
    pub(crate) fn parse(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(DELIMITERS).unwrap_or(rest.len()));
        Some(Self {
            origin: origin(uri, scheme, authority)?,
            path: normal_path(path)?,
        })
    }
}

/// Returns the path of a request target in normal form, from `/orders?page=2` or from an absolute URI (RFC
/// 9112 §3.2). The scheme and host of an absolute URI are ignored, because the client chooses them.
///
/// Returns `None` if the path is malformed or has dot segments. Routers do not remove dot segments, so the
/// request could reach a route for which the proof was not made. A conforming client never sends dot
/// segments (RFC 3986 §6.2.2.3).
pub(crate) fn target_path(target: &str) -> Option<Cow<'_, str>> {
    let path = if target.starts_with('/') {
        target
    } else {
        let (_, rest) = target.split_once("://")?;
        &rest[rest.find(DELIMITERS).unwrap_or(rest.len())..]
    };
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let is_dots = |segment: &str| matches!(unescape(segment).as_deref(), Some("." | ".."));
    if path.split('/').any(is_dots) {
        return None;
    }
    normal_path(path)
}

/// The characters that end an authority (RFC 3986 §3.2).
const DELIMITERS: [char; 3] = ['/', '?', '#'];

fn origin<'a>(uri: &'a str, scheme: &str, authority: &str) -> Option<Cow<'a, str>> {
    let (normal_scheme, default_port) = if scheme.eq_ignore_ascii_case("https") {
        ("https", 443)
    } else if scheme.eq_ignore_ascii_case("http") {
        ("http", 80)
    } else {
        return None;
    };
    let (host, port) = host_and_port(authority)?;
    let number = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse::<u16>().ok()?).filter(|number| *number != default_port)
        }
        Some(_) => return None,
    };
    let normal_port = match (port, number) {
        (None, None) => true,
        (Some(digits), Some(_)) => !digits.starts_with('0'),
        _ => false,
    };
    let lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    if scheme == normal_scheme && lower && normal_port {
        return uri
            .get(..scheme.len() + "://".len() + authority.len())
            .map(Cow::Borrowed);
    }
    let mut origin = format!("{normal_scheme}://{}", host.to_ascii_lowercase());
    if let Some(number) = number {
        origin.push(':');
        origin.push_str(&number.to_string());
    }
    Some(Cow::Owned(origin))
}

/// Splits a host from its port. The host is a name of letters, digits and `-._`, or an IPv6 address in
/// brackets. Returns `None` for any other host. RFC 3986 §3.2.2 allows more characters in a name, but no
/// DNS host name has them.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        let host = &authority[..address.len() + 2];
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(in_name)).then_some((host, port))
}

/// Normalizes a path. A query and a fragment are removed, because RFC 9449 §4.3 ignores them. Returns
/// `None` if the path is malformed.
fn normal_path(path: &str) -> Option<Cow<'_, str>> {
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if path.is_empty() {
        return Some(Cow::Borrowed("/"));
    }
    // Anything but visible ASCII must be written as `%XX`.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut path = Cow::Borrowed(path);
    if path.contains('%') {
        path = Cow::Owned(unescape(&path)?);
    }
    // Dot segments are removed after the escapes are decoded, because `%2E%2E` is `..`.
    if path.contains("/.") {
        path = Cow::Owned(without_dot_segments(&path));
    }
    Some(path)
}

/// Decodes escaped unreserved characters and writes other escapes in capitals (RFC 3986 §6.2.2.1-2).
/// Returns `None` for a percent sign that does not begin an escape.
fn unescape(path: &str) -> Option<String> {
    let mut output = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        output.push_str(before);
        let (digits, after) = after.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        match u8::from_str_radix(digits, 16).ok()? {
            byte if is_unreserved(byte) => output.push(char::from(byte)),
            _ => {
                output.push('%');
                output.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = after;
    }
    output.push_str(rest);
    Some(output)
}

/// Returns whether the character is unreserved (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Removes dot segments (RFC 3986 §5.2.4) from a path that begins with a slash.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        // A final dot segment leaves a trailing slash.
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    let mut output = String::with_capacity(path.len());
    for segment in kept {
        output.push('/');
        output.push_str(segment);
    }
    output
}
