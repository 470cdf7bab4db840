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

/// Checks that the path has neither dot segments nor empty segments, which file systems skip.
fn has_normal_path(uri: &str) -> bool {
    let after_scheme = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let path = match after_scheme.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
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

/// Checks that scheme and host have no upper case.
fn has_lower_case_authority(uri: &str) -> bool {
    let end = match uri.split_once("://") {
        Some((scheme, rest)) => scheme.len() + 3 + rest.find(['/', '?', '#']).unwrap_or(rest.len()),
        None => uri.find(':').unwrap_or(uri.len()),
    };
    !uri[..end].bytes().any(|byte| byte.is_ascii_uppercase())
}
