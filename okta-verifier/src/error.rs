//! The error types of this crate, and the details of a [`VerifyError`].
//!
//! | error | from |
//! |---|---|
//! | [`ConfigError`] | a wrong setting, at startup or in [`set_issuers`](crate::Verifier::set_issuers), or a wrong scope |
//! | [`VerifyError`] | a token that was rejected or could not be verified |
//! | [`ClaimError`] | claims of a valid token that do not fit the type that the service reads |
//! | [`FetchKeysError`] | [`Verifier::warm_up`](crate::Verifier::warm_up) and [`refresh`](crate::Verifier::refresh) |
//!
//! Some variants of [`VerifyError`] contain a [`MalformedTokenError`], a [`ProofError`], a [`RevokedReason`] or
//! an [`UnavailableReason`].
//!
//! A client sees a [`Rejection`](crate::Rejection) instead. No variant carries a token or a claim's value.
//! `Display` says what is wrong and never repeats what [`source`](std::error::Error::source) says. Text from
//! the network is escaped and shortened before it becomes part of an error or of a log message.
//!
//! ```
//! use okta_verifier::{VerifyError, error::UnavailableReason};
//!
//! /// Returns whether the keys of the issuer could not be fetched in time.
//! fn is_timeout(error: &VerifyError) -> bool {
//!     matches!(error, VerifyError::Unavailable { source: UnavailableReason::Timeout, .. })
//! }
//!
//! assert!(!is_timeout(&VerifyError::UnknownIssuer));
//! ```

pub(crate) mod config;
mod proof;
mod unavailable;
pub(crate) mod verify;

use std::error::Error;

// `ConfigError` and `VerifyError` are exported at the root of the crate.
pub(crate) use config::ConfigError;
pub use proof::ProofError;
pub use unavailable::{ConnectFailure, FetchKeysError, UnavailableReason};
pub(crate) use verify::VerifyError;
pub use verify::{ClaimError, MalformedTokenError, RevokedReason};

/// Returns the start of a header's value or of a JSON member, escaped for use between quotation marks. The
/// result is at most [`MAX_EXCERPT`] bytes long, and ends with an ellipsis if the value was shortened.
pub(crate) fn excerpt(bytes: &[u8]) -> Box<str> {
    excerpt_within(bytes, MAX_EXCERPT).into()
}

/// Returns the start of a text as [`excerpt`] does, in at most `limit` bytes.
pub(crate) fn excerpt_within(bytes: &[u8], limit: usize) -> String {
    escape(bytes, limit, |byte| byte != b'"')
}

/// Returns the text of the innermost source of an error, or of the error itself if it has none. Operators
/// need this text, such as `Connection refused (os error 111)`. The result is at most [`MAX_CAUSE`] bytes
/// long.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let innermost = sources(error).last().unwrap_or(error);
    escape(innermost.to_string().as_bytes(), MAX_CAUSE, |_| true)
}

/// Returns the text of `error`, followed by the texts of its sources.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for source in sources(error) {
        text.push_str(": ");
        text.push_str(&escape(source.to_string().as_bytes(), MAX_CAUSE, |_| true));
    }
    text
}

/// Returns the sources of an error from the outside in. At most [`MAX_SOURCES`] are returned, because the
/// chain of sources of another crate's error may never end.
fn sources<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source()).take(MAX_SOURCES)
}

/// Escapes backslashes and every byte that is not printable ASCII or for which `is_plain` returns false.
/// Shortens the result to at most `limit` bytes. Unescaped, a terminal would obey control characters, and
/// characters that reorder text would mislead readers.
fn escape(bytes: &[u8], limit: usize, is_plain: fn(u8) -> bool) -> String {
    let mut text = String::new();
    // The last length after which the ellipsis still fits.
    let mut cut = 0;
    for &byte in bytes {
        if text.len() + ELLIPSIS.len_utf8() <= limit {
            cut = text.len();
        }
        match byte {
            b'\\' => text.push_str(r"\\"),
            b' '..=b'~' if is_plain(byte) => text.push(char::from(byte)),
            _ => text.extend(byte.escape_ascii().map(char::from)),
        }
        if text.len() > limit {
            text.truncate(cut);
            text.push(ELLIPSIS);
            break;
        }
    }
    text
}

pub(crate) const MAX_EXCERPT: usize = 64;
const MAX_CAUSE: usize = 256;
pub(crate) const MAX_SOURCES: usize = 16;
const ELLIPSIS: char = '…';

#[cfg(test)]
mod tests {
    use super::*;

    // field kind I
    #[test]
    fn excerpt_is_printable_and_at_most_64_bytes() {
        for (bytes, shown) in [
            (&b""[..], ""),
            (b"text/html; charset=utf-8", "text/html; charset=utf-8"),
            (b"\x1b[31m\r\n\t", r"\x1b[31m\r\n\t"),
            (br#"a "b" \c"#, r#"a \"b\" \\c"#),
            ("\u{202e}é".as_bytes(), r"\xe2\x80\xae\xc3\xa9"),
        ] {
            assert_eq!(&*excerpt(bytes), shown);
        }
        for length in 0..200 {
            for piece in [&b"a"[..], b"\\", b"\"", b"\x00", b"a\x00"] {
                let bytes = piece.repeat(length);
                let shown = excerpt(&bytes);
                assert!(shown.len() <= 64, "{length} {shown}");
                // Either the whole text, or its start and an ellipsis.
                let whole = bytes.escape_ascii().to_string();
                let stem = shown.strip_suffix('…').unwrap_or(&whole);
                assert!(whole.starts_with(stem), "{shown}");
                assert_eq!(shown.ends_with('…'), whole.len() > 64, "{shown}");
            }
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("layer")]
    struct Layer(#[source] Box<dyn Error + Send + Sync>);

    // field kind I
    #[test]
    fn cause_is_the_text_of_the_innermost_source() {
        let refused = || Layer(Box::new(Layer("Connection\nrefused".into())));
        assert_eq!(cause(&refused()), r"Connection\nrefused");
        assert_eq!(chain(&refused()), r"layer: layer: Connection\nrefused");
        let alone = std::fmt::Error;
        assert_eq!(cause(&alone), alone.to_string());
        assert_eq!(chain(&alone), alone.to_string());
        // A name that a certificate claims may be of any length.
        assert!(cause(&Layer("x".repeat(10_000).into())).len() <= 256);
    }

    // field kind I
    #[test]
    fn cause_of_an_error_that_is_its_own_source_is_bounded() {
        #[derive(Debug)]
        struct Circle;
        impl std::fmt::Display for Circle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("circle")
            }
        }
        impl Error for Circle {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Self)
            }
        }
        assert_eq!(cause(&Circle), "circle");
        assert!(chain(&Circle).len() < 256);
    }
}
