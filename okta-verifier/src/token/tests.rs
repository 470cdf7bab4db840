//! Tests of tokens. The test vectors of the RFCs name their section.

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
mod providers;
mod vectors;

use base64::Engine;

use super::{BASE64URL, jws::Jws};
use crate::error::{MalformedTokenError, VerifyError};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode(bytes)
}

/// Returns a token with this header and payload, and with a meaningless signature.
pub(crate) fn compact(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}.c2ln", encode(header), encode(payload))
}

fn parse<T: AsRef<[u8]> + ?Sized>(token: &T) -> Result<Jws<'_>, VerifyError> {
    Jws::parse(token, MAX_TOKEN)
}

/// The default size limit of a token.
const MAX_TOKEN: usize = 16 * 1024;

/// Returns why the form of `token` is rejected.
fn malformed(token: &str) -> MalformedTokenError {
    match parse(token) {
        Err(VerifyError::Malformed(reason)) => reason,
        Err(other) => panic!("{other}: {token}"),
        Ok(_) => panic!("parsed: {token}"),
    }
}

/// The shortest header that parses.
pub(crate) const HEADER: &str = r#"{"alg":"RS256","kid":"1"}"#;
