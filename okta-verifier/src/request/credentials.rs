//! One `Authorization` field value → credentials (RFC 9110 §11.4, RFC 6750 §2.1).

use super::Scheme;
use crate::alphabet::{self, is_alphanumeric, is_tchar};

/// Not debuggable: it holds the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    /// No `Authorization` field at all.
    Absent,
    /// Of any bytes: whether it [`is_b64token`] is asked only when it is not a token seen before.
    Token(Scheme, &'a [u8]),
    /// Another scheme: the caller does not know that a token is needed (RFC 6750 §3.1).
    OtherScheme,
}

/// The request has credentials that cannot be read: 400, never anonymous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The scheme that was used; `None` where it is open which one was meant (RFC 9449 §7.2).
    pub(super) scheme: Option<Scheme>,
    /// The cap that a token exceeds, in bytes.
    pub(super) limit: Option<usize>,
}

impl Malformed {
    /// It is open which scheme was meant.
    pub(super) const AMBIGUOUS: Self = Self {
        scheme: None,
        limit: None,
    };

    /// What follows the scheme is no token. A comma makes a list, as of two field lines that were
    /// joined on the way (RFC 9110 §5.3): any scheme may stand behind it.
    pub(crate) fn under(scheme: Scheme, rest: &[u8]) -> Self {
        Self {
            scheme: (!rest.contains(&b',')).then_some(scheme),
            limit: None,
        }
    }
}

/// `dpop` says whether that scheme is accepted; if not, it is as foreign as any other.
/// `max_token_size` is in bytes.
pub(crate) fn parse(
    value: &[u8],
    dpop: bool,
    max_token_size: usize,
) -> Result<Credentials<'_>, Malformed> {
    // The white space around a field value is not part of it (RFC 9110 §5.5).
    let value = trim(value);
    let scheme_length = value.iter().take_while(|byte| is_tchar(**byte)).count();
    let (scheme, rest) = value.split_at(scheme_length);
    if scheme.is_empty() {
        return Err(Malformed::AMBIGUOUS);
    }
    let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if dpop && scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        // Whatever follows is that scheme's business, but a scheme ends at a space.
        return if matches!(rest.first(), None | Some(b' ')) {
            Ok(Credentials::OtherScheme)
        } else {
            Err(Malformed::AMBIGUOUS)
        };
    };
    // One space or more, and nothing else (RFC 6750 §2.1: 1*SP).
    let token = &rest[rest.iter().take_while(|byte| **byte == b' ').count()..];
    if token.len() == rest.len() || token.is_empty() {
        return Err(Malformed::under(scheme, rest));
    }
    if token.len() > max_token_size {
        return Err(Malformed {
            limit: Some(max_token_size),
            ..Malformed::under(scheme, rest)
        });
    }
    Ok(Credentials::Token(scheme, token))
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(crate) fn is_b64token(token: &[u8]) -> bool {
    let body = token
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    body > 0
        && alphabet::all(&token[..body], |byte| {
            // `-./` stand side by side.
            let sign = byte.wrapping_sub(b'-') < 3;
            is_alphanumeric(byte) | sign | (byte == b'_') | (byte == b'~') | (byte == b'+')
        })
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
