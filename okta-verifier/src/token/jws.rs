//! The strict compact form (RFC 7515 §5.2, §7.1): one spelling a token, no extension, no choice
//! left to the sender but `alg` and `kid`, and those only select among what the issuer publishes.

use memchr::memchr_iter;

use super::{
    compact::Compact,
    json::{self, Object},
};
use crate::{
    algorithm::Algorithm,
    error::{MalformedToken, VerifyError},
};

/// A signed token, taken apart and decoded; nothing of it is trusted yet.
pub(crate) struct Jws<'t> {
    pub(crate) header: Header,
    /// The decoded payload.
    pub(crate) payload: String,
    /// What is signed: the first two parts as they were sent.
    pub(crate) signed: &'t [u8],
    pub(crate) signature: Vec<u8>,
}

pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
    pub(crate) typ: Typ,
}

/// The kinds of `typ` (RFC 7515 §4.1.9) that matter here.
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
    /// `limit` is the most bytes that the token may have.
    pub(crate) fn parse<T: AsRef<[u8]> + ?Sized>(
        token: &'t T,
        limit: usize,
    ) -> Result<Self, VerifyError> {
        #[cfg(test)]
        crate::counts::parse();
        let token = token.as_ref();
        let parts = Compact::split(token, limit).map_err(|reason| match reason {
            MalformedToken::Parts if memchr_iter(b'.', token).count() == 4 => {
                VerifyError::Encrypted
            }
            reason => reason.into(),
        })?;
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

/// How many parts with dots between.
pub(crate) fn parts(token: &[u8]) -> usize {
    memchr_iter(b'.', token).count() + 1
}

impl Header {
    fn parse(text: &str) -> Result<Self, VerifyError> {
        let header = Object::parse(text)?;
        // RFC 7515 §4.1.11: what is critical must be understood, and no extension is. An empty
        // or ill-typed list is malformed anyway. RFC 7797 §6-7: no JWT has an unencoded payload.
        if header.contains("crit") || header.get("b64").is_some_and(|b64| b64 != "true") {
            return Err(MalformedToken::Extension.into());
        }
        let text = |value| json::string(value).ok_or(MalformedToken::Header);
        let required = |name| header.get(name).map(text).transpose();
        // A null stands for an absent parameter where one is optional, and nowhere else.
        let optional = |name| header.present(name).map(text).transpose();
        let name = required("alg")?.ok_or(MalformedToken::Header)?;
        let algorithm = Algorithm::named(&name).ok_or(VerifyError::AlgorithmNotAllowed)?;
        if optional("cty")?.is_some_and(|cty| media_type(&cty, "jwt")) {
            return Err(MalformedToken::Nested.into());
        }
        let typ = optional("typ")?.map_or(Typ::Absent, |typ| Typ::named(&typ));
        // `jku`, `jwk`, `x5u` and `x5c` are the sender's word about its own key: never looked at
        // (RFC 8725 §3.10).
        let kid = required("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(MalformedToken::KeyIdTooLong.into());
        }
        Ok(Self {
            algorithm,
            kid: kid.map(Box::from),
            typ,
        })
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

/// RFC 7515 §4.1.9: media types compare without regard to case, and a value without a slash
/// stands for `application/` and itself.
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
