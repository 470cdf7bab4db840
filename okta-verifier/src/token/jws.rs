//! The strict compact form (RFC 7515 §5.2, §7.1): one spelling a token, no extension, no choice
//! left to the sender but `alg` and `kid`, and those only select among what the issuer publishes.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use memchr::memchr_iter;

use super::json::{self, Object};
use crate::{
    algorithm::Algorithm,
    alphabet::{self, is_base64url},
    crypto::MAX_SIGNATURE,
    error::{MalformedToken, VerifyError},
};

/// A signed token, taken apart and decoded; nothing of it is trusted yet.
#[derive(Debug)]
pub(crate) struct Jws<'t> {
    pub(crate) header: Header,
    /// The decoded payload.
    pub(crate) payload: String,
    /// What is signed: the first two parts as they were sent.
    pub(crate) signed: &'t [u8],
    signature: [u8; MAX_SIGNATURE],
    signature_length: usize,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Box<str>,
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
    pub(crate) fn parse<T: AsRef<[u8]> + ?Sized>(token: &'t T) -> Result<Self, VerifyError> {
        let token = token.as_ref();
        if token.len() > MAX_TOKEN {
            return Err(MalformedToken::TooLarge.into());
        }
        // Checked before decoding, so that no decoder's leniency matters (RFC 8725 §3.14 of the
        // revision of 2026).
        if !alphabet::all(token, |byte| is_base64url(byte) | (byte == b'.')) {
            return Err(MalformedToken::Alphabet.into());
        }
        let mut dots = memchr_iter(b'.', token);
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(MalformedToken::Parts.into());
        };
        match dots.count() {
            0 => {}
            2 => return Err(VerifyError::Encrypted),
            _ => return Err(MalformedToken::Parts.into()),
        }
        let signed = &token[..second];
        let header = Header::parse(&decode_text(&token[..first])?)?;
        let payload = decode_text(&token[first + 1..second])?;
        let (signature, signature_length) = decode_signature(&token[second + 1..])?;
        Ok(Self {
            header,
            payload,
            signed,
            signature,
            signature_length,
        })
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature[..self.signature_length]
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
        let parameter = |name| match header.get(name) {
            None => Ok(None),
            Some(value) => json::string(value).map(Some).ok_or(MalformedToken::Header),
        };
        let name = parameter("alg")?.ok_or(MalformedToken::Header)?;
        let algorithm = Algorithm::named(&name).ok_or(VerifyError::AlgorithmNotAllowed)?;
        if parameter("cty")?.is_some_and(|cty| media_type(&cty, "jwt")) {
            return Err(MalformedToken::Nested.into());
        }
        let typ = parameter("typ")?.map_or(Typ::Absent, |typ| Typ::named(&typ));
        // `jku`, `jwk`, `x5u` and `x5c` are the sender's word about its own key: never looked at
        // (RFC 8725 §3.10).
        let kid = parameter("kid")?.ok_or(VerifyError::MissingKeyId)?;
        if kid.len() > MAX_KID {
            return Err(MalformedToken::Header.into());
        }
        Ok(Self {
            algorithm,
            kid: kid.into(),
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
fn media_type(value: &str, subtype: &str) -> bool {
    const PREFIX: &str = "application/";
    match value.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => {
            rest.eq_ignore_ascii_case(subtype)
        }
        _ => value.eq_ignore_ascii_case(subtype),
    }
}

fn decode_text(part: &[u8]) -> Result<String, MalformedToken> {
    let bytes = BASE64URL.decode(part).map_err(|_| MalformedToken::Base64)?;
    String::from_utf8(bytes).map_err(|_| MalformedToken::Json)
}

fn decode_signature(part: &[u8]) -> Result<([u8; MAX_SIGNATURE], usize), VerifyError> {
    let mut signature = [0; MAX_SIGNATURE];
    match BASE64URL.decode_slice(part, &mut signature) {
        Ok(length) => Ok((signature, length)),
        Err(base64::DecodeSliceError::DecodeError(_)) => Err(MalformedToken::Base64.into()),
        // Longer than any key's signature.
        Err(base64::DecodeSliceError::OutputSliceTooSmall) => Err(VerifyError::BadSignature),
    }
}

/// Without padding, and with stray trailing bits refused: each token has one spelling, which
/// matters wherever a token is compared or digested.
pub(crate) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false),
);

pub(super) const MAX_TOKEN: usize = 16 * 1024;
const MAX_KID: usize = 256;
