//! The compact form of a signed JWT (RFC 7515 §7.1), taken apart: one spelling a JWT.

use memchr::memchr_iter;

use super::{
    base64url,
    json::{self, Object},
};
use crate::{
    alphabet::{self, is_base64url},
    crypto::MAX_SIGNATURE,
    error::{MalformedToken, VerifyError},
};

/// The parts as they were sent.
pub(crate) struct Compact<'t> {
    pub(crate) header: &'t [u8],
    payload: &'t [u8],
    signature: &'t [u8],
    /// What is signed: the first two parts.
    pub(crate) signed: &'t [u8],
}

impl<'t> Compact<'t> {
    /// `limit` is the most bytes that the JWT may have.
    pub(crate) fn split(jwt: &'t [u8], limit: usize) -> Result<Self, MalformedToken> {
        if jwt.len() > limit {
            return Err(MalformedToken::TooLarge { limit });
        }
        let mut dots = memchr_iter(b'.', jwt);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(not_a_jws(jwt));
        };
        Ok(Self {
            header: &jwt[..first],
            payload: &jwt[first + 1..second],
            signature: &jwt[second + 1..],
            signed: &jwt[..second],
        })
    }

    pub(crate) fn header(&self) -> Result<String, MalformedToken> {
        decode_text(self.header)
    }

    pub(crate) fn payload(&self) -> Result<String, MalformedToken> {
        decode_text(self.payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, VerifyError> {
        let signature = base64url::decode(self.signature)?;
        if signature.len() > MAX_SIGNATURE {
            return Err(VerifyError::BadSignature); // longer than any key's
        }
        Ok(signature)
    }
}

fn not_a_jws(text: &[u8]) -> MalformedToken {
    if alphabet::all(text, |byte| is_base64url(byte) | (byte == b'.')) {
        MalformedToken::Parts
    } else {
        MalformedToken::Alphabet
    }
}

fn decode_text(part: &[u8]) -> Result<String, MalformedToken> {
    String::from_utf8(base64url::decode(part)?).map_err(|_| MalformedToken::Json)
}

/// Whether the text has the form of an encrypted token: five parts (RFC 7516 §7.1), the first of which
/// is a JOSE header with the `alg` and the `enc` that every JWE has (§4.1.1, §4.1.2).
pub(crate) fn is_jwe(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let header = parts.next().unwrap_or_default();
    if parts.count() != 4 {
        return false;
    }
    let Ok(header) = decode_text(header) else {
        return false;
    };
    Object::parse(&header).is_ok_and(|header| {
        ["alg", "enc"]
            .into_iter()
            .all(|name| header.get(name).and_then(json::string).is_some())
    })
}
