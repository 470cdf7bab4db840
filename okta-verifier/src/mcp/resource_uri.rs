//! The normal form of the URI of a resource. The policy of a resource is found by the text of its URI, so a URI that
//! a server could read as another one must be recognized.

use url::Url;

/// Returns whether no server reads the URI as another one: it is in the normal form of RFC 3986 §6.2.2 and of the WHATWG
/// URL standard, and has no character that is often read as another one once it is decoded.
pub(crate) fn is_normal(uri: &str) -> bool {
    has_normal_characters(uri)
        && has_normal_path(uri)
        && has_lower_case_authority(uri)
        && !has_rooted_host(uri)
        // Dot segments, default ports, `localhost` in a file URL, other forms of an IPv4 address, and so on.
        && Url::parse(uri).is_ok_and(|url| url.as_str() == uri)
}

/// Returns whether a URI in normal form can begin with this text.
pub(super) fn begins_normal(prefix: &str) -> bool {
    let authority = authority_end(prefix);
    // The segment after the last slash may go on.
    let directory = match prefix.rfind('/') {
        Some(slash) if slash >= authority && !prefix.ends_with(":/") => &prefix[..=slash],
        _ => "",
    };
    has_normal_characters(prefix)
        && has_lower_case_authority(prefix)
        && (directory.is_empty() || is_normal(directory))
}

/// Checks that the URI has only the characters of RFC 3986 §2, and percent-encoded only those that must be. What is
/// percent-encoded must be UTF-8: a lenient decoder reads overlong forms such as `%C0%AF` as a slash (RFC 3629 §10).
fn has_normal_characters(uri: &str) -> bool {
    let mut decoded = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (normally_encoded(*high, *low), after),
            (byte, after) => (Some(*byte).filter(|byte| is_of_uri(*byte)), after),
        };
        let Some(byte) = byte else {
            return false;
        };
        decoded.push(byte);
        rest = after;
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Returns whether a character is unreserved or reserved (RFC 3986 §2.2, §2.3).
fn is_of_uri(byte: u8) -> bool {
    let is_reserved = b":/?#[]@!$&'()*+,;=".contains(&byte);
    is_reserved || is_unreserved(byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Returns the byte of `%` and these digits, if that is its normal form.
fn normally_encoded(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None, // lower case too
    };
    // Control characters, and those that a server that decodes the path, once or twice, would take for its structure.
    let is_dangerous = |byte: u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%');
    let byte = digit(high)? << 4 | digit(low)?;
    (!is_dangerous(byte) && !is_unreserved(byte)).then_some(byte)
}

/// Checks that the path has neither dot segments nor empty segments, which file systems skip, and that a path that begins
/// with a slash follows an authority. Servers that read the path alone do not distinguish `docs:/a` from `docs:///a`.
fn has_normal_path(uri: &str) -> bool {
    let after_scheme = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let path = match after_scheme.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None if after_scheme.starts_with('/') => return false,
        None => after_scheme,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if matches!(segment, "." | "..") || (segment.is_empty() && !is_last) {
            return false;
        }
    }
    true
}

/// Returns the URI without its user name, without its port, and without both, as far as it has them. Servers that find a
/// resource by host and path read all of them as the same one.
pub(super) fn without_user_and_port(uri: &str) -> Vec<String> {
    let Some((before, user, host, port, after)) = parts(uri) else {
        return Vec::new();
    };
    let users = [user, ""];
    let variants = users
        .iter()
        .flat_map(|user| [port, ""].map(|port| [before, user, host, port, after].concat()));
    let mut others: Vec<String> = variants.filter(|variant| variant != uri).collect();
    others.dedup();
    others
}

/// Returns the length of scheme and authority, or 0 if the URI has no authority.
pub(super) fn authority_end(uri: &str) -> usize {
    parts(uri).map_or(0, |(.., after)| uri.len() - after.len())
}

/// Returns the parts of a URI with an authority: the scheme and the slashes, the user with `@`, the host, the port with
/// `:`, and the rest.
fn parts(uri: &str) -> Option<(&str, &str, &str, &str, &str)> {
    let (before, rest) = uri.split_at(uri.find("://")? + 3);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    // The colons of an IPv6 address are between brackets.
    let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    let (host, port) = host.split_at(port.unwrap_or(host.len()));
    Some((before, user, host, port, after))
}

/// Returns whether the host ends with a dot, which stands for the root of the DNS (RFC 3986 §3.2.2). It is the same host
/// without the dot.
fn has_rooted_host(uri: &str) -> bool {
    parts(uri).is_some_and(|(_, _, host, _, _)| host.ends_with('.'))
}

/// Checks that scheme and host have no upper case.
fn has_lower_case_authority(uri: &str) -> bool {
    let end = match authority_end(uri) {
        0 => uri.find(':').unwrap_or(uri.len()),
        end => end,
    };
    !uri[..end].bytes().any(|byte| byte.is_ascii_uppercase())
}
