//! Parses the strict compact form of a JWS (RFC 7515 §5.2, §7.1). Each token has only one accepted
//! encoding, and no extension is supported. With `alg` and `kid`, the sender can only select one of the
//! keys that the issuer publishes.

use std::fmt;

use memchr::memchr_iter;

use super::{
    ascii::{self, is_base64url},
    base64url,
    json::{self, Object},
};
use crate::{
    crypto::{Algorithm, MAX_SIGNATURE},
    error::{MalformedTokenError, VerifyError},
};

/// A parsed and decoded JWS. Nothing in it is trusted yet.
pub(crate) struct Jws<'t> {
    pub(crate) header: Header,
    /// The decoded payload.
    pub(crate) payload: String,
    /// The signing input: the first two parts as they were sent.
    pub(crate) signed: &'t [u8],
    pub(crate) signature: Vec<u8>,
}

pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
    pub(crate) typ: Typ,
    /// The value of `typ` if it is [`Typ::Other`].
    pub(crate) other_typ: Option<Box<str>>,
}

/// The values of `typ` (RFC 7515 §4.1.9) that are distinguished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typ {
    Absent,
    /// `JWT`, which is not explicit typing (RFC 8725 §3.11).
    Jwt,
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    Other,
}

impl<'t> Jws<'t> {
    /// Parses a token of at most `limit` bytes.
    pub(crate) fn parse<T: AsRef<[u8]> + ?Sized>(
        token: &'t T,
        limit: usize,
    ) -> Result<Self, VerifyError> {
        #[cfg(test)]
        crate::counts::parse();
        let parts = Compact::of_token(token.as_ref(), limit)?;
        let header = Header::parse(&parts.header()?)?;
        let payload = parts.payload()?;
        let signature = parts.signature()?;
        Ok(Self {
            header,
            payload,
            signed: parts.signed,
            signature,
        })
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").finish_non_exhaustive()
    }
}

/// Returns the payload of a token that was parsed before.
pub(crate) fn payload(token: &[u8]) -> Option<String> {
    Compact::split(token, token.len()).ok()?.payload().ok()
}

/// Returns the number of parts separated by dots.
pub(crate) fn parts(token: &[u8]) -> usize {
    memchr_iter(b'.', token).count() + 1
}

impl Header {
    pub(crate) fn parse(text: &str) -> Result<Self, VerifyError> {
        let header = Object::parse(text)?;
        // RFC 7515 §4.1.11: an unsupported critical extension must be rejected, and none is supported. A
        // `crit` that is empty or not a list is malformed. RFC 7797 §6-7: a JWT never has an unencoded
        // payload.
        if header.contains("crit") || header.get("b64").is_some_and(|b64| b64 != "true") {
            return Err(MalformedTokenError::Extension.into());
        }
        let text = |value| json::string(value).ok_or(MalformedTokenError::Header);
        let required = |name| header.get(name).map(text).transpose();
        // A null is treated as an absent parameter for `cty` and `typ`, but is an error for `alg` and
        // `kid`.
        let optional = |name| header.present(name).map(text).transpose();
        let name = required("alg")?.ok_or(MalformedTokenError::Header)?;
        let algorithm = Algorithm::named(&name).ok_or(VerifyError::AlgorithmNotAllowed)?;
        if optional("cty")?.is_some_and(|cty| media_type(&cty, "jwt")) {
            return Err(MalformedTokenError::Nested.into());
        }
        let written = optional("typ")?;
        let typ = written.as_deref().map_or(Typ::Absent, Typ::named);
        // `jku`, `jwk`, `x5u` and `x5c` are ignored, because with them the sender could choose the key
        // (RFC 8725 §3.10).
        let kid = required("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(MalformedTokenError::KeyIdTooLong.into());
        }
        Ok(Self {
            algorithm,
            kid: kid.map(Box::from),
            typ,
            other_typ: written.filter(|_| typ == Typ::Other).map(Box::from),
        })
    }
}

/// Omits all fields, because the sender of the token chooses them.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").finish_non_exhaustive()
    }
}

impl Typ {
    fn named(typ: &str) -> Self {
        if media_type(typ, "jwt") {
            Self::Jwt
        } else if media_type(typ, "at+jwt") {
            Self::AccessToken
        } else {
            Self::Other
        }
    }
}

/// Returns whether `value` names the media type `application/` and `subtype`, without regard to case. The
/// prefix `application/` may be absent (RFC 7515 §4.1.9).
pub(crate) fn media_type(value: &str, subtype: &str) -> bool {
    const PREFIX: &str = "application/";
    match value.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => {
            rest.eq_ignore_ascii_case(subtype)
        }
        _ => value.eq_ignore_ascii_case(subtype),
    }
}

const MAX_KID: usize = 256;

/// The three parts of a JWS as they were sent.
pub(crate) struct Compact<'t> {
    pub(crate) header: &'t [u8],
    payload: &'t [u8],
    signature: &'t [u8],
    /// The signing input: the first two parts.
    pub(crate) signed: &'t [u8],
}

impl<'t> Compact<'t> {
    /// Splits a token of at most `limit` bytes. A token of five parts is encrypted.
    pub(crate) fn of_token(token: &'t [u8], limit: usize) -> Result<Self, VerifyError> {
        Self::split(token, limit).map_err(|reason| match reason {
            MalformedTokenError::Parts if memchr_iter(b'.', token).count() == 4 => {
                VerifyError::Encrypted
            }
            reason => reason.into(),
        })
    }

    /// Splits a JWT of at most `limit` bytes.
    pub(crate) fn split(jwt: &'t [u8], limit: usize) -> Result<Self, MalformedTokenError> {
        if jwt.len() > limit {
            return Err(MalformedTokenError::TooLarge { limit });
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

    pub(crate) fn header(&self) -> Result<String, MalformedTokenError> {
        decode_text(self.header)
    }

    pub(crate) fn payload(&self) -> Result<String, MalformedTokenError> {
        decode_text(self.payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, VerifyError> {
        let signature = base64url::decode(self.signature)?;
        if signature.len() > MAX_SIGNATURE {
            return Err(VerifyError::BadSignature); // longer than the signatures of any algorithm
        }
        Ok(signature)
    }
}

fn not_a_jws(text: &[u8]) -> MalformedTokenError {
    if ascii::all(text, |byte| is_base64url(byte) | (byte == b'.')) {
        MalformedTokenError::Parts
    } else {
        MalformedTokenError::Alphabet
    }
}

fn decode_text(part: &[u8]) -> Result<String, MalformedTokenError> {
    String::from_utf8(base64url::decode(part)?).map_err(|_| MalformedTokenError::Json)
}

/// Returns whether the text has the form of an encrypted token: five parts (RFC 7516 §7.1), the first of
/// which is a JOSE header with the `alg` and `enc` that every JWE has (§4.1.1, §4.1.2).
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
