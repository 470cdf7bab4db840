//! The compact form of a signed JWT (RFC 7515 §7.1), taken apart: one spelling a JWT.

use std::fmt;

use base64::{DecodeSliceError, Engine};
use memchr::memchr_iter;

use super::jws::BASE64URL;
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
    pub(crate) fn split(jwt: &'t [u8]) -> Result<Self, MalformedToken> {
        if jwt.len() > MAX_JWT {
            return Err(MalformedToken::TooLarge);
        }
        // Checked before decoding, so that no decoder's leniency matters (RFC 8725 §3.14 of the
        // revision of 2026).
        if !alphabet::all(jwt, |byte| is_base64url(byte) | (byte == b'.')) {
            return Err(MalformedToken::Alphabet);
        }
        let mut dots = memchr_iter(b'.', jwt);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(MalformedToken::Parts);
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

    pub(crate) fn signature(&self) -> Result<Signature, VerifyError> {
        let mut bytes = [0; MAX_SIGNATURE];
        match BASE64URL.decode_slice(self.signature, &mut bytes) {
            Ok(length) => Ok(Signature { bytes, length }),
            Err(DecodeSliceError::DecodeError(_)) => Err(MalformedToken::Base64.into()),
            // Longer than any key's signature.
            Err(DecodeSliceError::OutputSliceTooSmall) => Err(VerifyError::BadSignature),
        }
    }
}

/// A decoded signature, on the stack.
pub(crate) struct Signature {
    bytes: [u8; MAX_SIGNATURE],
    length: usize,
}

impl Signature {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").finish_non_exhaustive()
    }
}

fn decode_text(part: &[u8]) -> Result<String, MalformedToken> {
    let bytes = BASE64URL.decode(part).map_err(|_| MalformedToken::Base64)?;
    String::from_utf8(bytes).map_err(|_| MalformedToken::Json)
}

pub(super) const MAX_JWT: usize = 16 * 1024;
