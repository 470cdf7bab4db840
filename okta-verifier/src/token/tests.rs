//! Refusals first; the vectors of the RFCs are typed in with their section.

pub(crate) mod checks;
mod claims;
mod confirmation;
mod debug;
mod header;
mod json;
mod json_model;
mod jws;
mod kinds;
mod properties;
mod vectors;

use base64::Engine;

use super::{BASE64URL, jws::Jws};
use crate::error::{MalformedTokenError, VerifyError};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode(bytes)
}

/// A token with these bytes for header and payload, and something for a signature.
pub(crate) fn compact(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}.c2ln", encode(header), encode(payload))
}

fn parse<T: AsRef<[u8]> + ?Sized>(token: &T) -> Result<Jws<'_>, VerifyError> {
    Jws::parse(token, MAX_TOKEN)
}

/// What a token may be large by default.
const MAX_TOKEN: usize = 16 * 1024;

/// Why the form of `token` is refused.
fn malformed(token: &str) -> MalformedTokenError {
    match parse(token) {
        Err(VerifyError::Malformed(reason)) => reason,
        Err(other) => panic!("{other}: {token}"),
        Ok(_) => panic!("parsed: {token}"),
    }
}

/// The shortest header that parses.
pub(crate) const HEADER: &str = r#"{"alg":"RS256","kid":"1"}"#;
