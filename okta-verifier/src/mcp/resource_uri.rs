//! The normal form of the URI of a resource. The policy of a resource is found by the text of its URI, so a URI that
//! a server could read as another one must be recognized.

use url::Url;

/// Returns whether no server reads the URI as another one: it is in the normal form of RFC 3986 §6.2.2 and of the WHATWG
/// URL standard, and has no character that is often read as another one once it is decoded.
pub(crate) fn is_normal(uri: &str) -> bool {
    has_normal_characters(uri)
        && has_normal_path(uri)
        && has_lower_case_authority(uri)
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

/// Checks that the URI has only the characters of RFC 3986 §2, and percent-encoded only those that must be.
fn has_normal_characters(uri: &str) -> bool {
    let mut rest = uri.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match first {
            b'%' => match after {
                [high, low, after @ ..] if is_normally_encoded(*high, *low) => after,
                _ => return false,
            },
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => after,
            b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@' => after,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => after,
            _ => return false,
        };
    }
    true
}

/// Returns whether `%` and these digits are the normal form of a character.
fn is_normally_encoded(high: u8, low: u8) -> bool {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None, // lower case too
    };
    let (Some(high), Some(low)) = (digit(high), digit(low)) else {
        return false;
    };
    // Control characters, and those that a server that decodes the path, once or twice, would take for its structure.
    let is_dangerous = |byte: u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%');
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let byte = high << 4 | low;
    !is_dangerous(byte) && !is_unreserved(byte)
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

/// Checks that scheme and host have no upper case.
fn has_lower_case_authority(uri: &str) -> bool {
    let end = match authority_end(uri) {
        0 => uri.find(':').unwrap_or(uri.len()),
        end => end,
    };
    !uri[..end].bytes().any(|byte| byte.is_ascii_uppercase())
}
