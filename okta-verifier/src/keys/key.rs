//! One JWK (RFC 7517 §4) → one prepared public key with its ONE algorithm.

use std::{
    borrow::Cow,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use base64::Engine;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, OctetKeyPairParameters,
    RSAKeyParameters,
};

use crate::{
    algorithm::Algorithm,
    crypto::{BadSignature, PreparedKey, sha256},
    token::{
        BASE64URL,
        json::{self, Object},
    },
};

pub(crate) struct Key {
    pub(crate) kid: Box<str>,
    pub(crate) algorithm: Algorithm,
    /// RFC 7638: tells whether a key of the next set is this one.
    pub(crate) thumbprint: [u8; 32],
    prepared: PreparedKey,
    retired: AtomicBool,
}

/// Why an entry of a key set is not used. It is skipped and counted; the others stay
/// (RFC 7517 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Skipped {
    /// No JWK, a member twice, or a member of the wrong type.
    Malformed,
    /// `oct`, `AKP`, a curve or an `alg` that is not supported.
    Unsupported,
    /// `use` or `key_ops` reserves it for something else.
    NotForSignatures,
    /// No `kid`: no token could name it.
    NoKid,
    /// It holds private members: whoever reads the set can sign.
    Private,
    /// `alg` does not fit `kty` and `crv`.
    AlgorithmMismatch,
    /// RSA below 2048 or above 8192 bits, or an even or tiny exponent.
    Strength,
    /// Coordinates of the wrong length or off the curve.
    Point,
    /// Another key of the set has the same `kid` and `kty`.
    Ambiguous,
}

impl Key {
    /// `entry` is one element of `keys`, as JSON text.
    pub(crate) fn parse(entry: &str) -> Result<Self, Skipped> {
        let members = Object::parse(entry).map_err(|_| Skipped::Malformed)?;
        let kid = text(&members, "kid")?
            .filter(|kid| !kid.is_empty())
            .ok_or(Skipped::NoKid)?;
        let (algorithm, prepared, thumbprint) = prepare(entry, &members, None)?;
        Ok(Self {
            kid: kid.into(),
            algorithm,
            thumbprint,
            prepared,
            retired: AtomicBool::new(false),
        })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.prepared.verify(message, signature)
    }

    /// The same key under the same name: its `Arc` is kept across a refresh.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.thumbprint == other.thumbprint
    }

    /// The issuer has withdrawn the key: what was verified with it is no longer trusted.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Two keys of one `kid` may differ in their type only (RFC 7517 §4.5).
    pub(crate) fn kty(&self) -> Kty {
        Kty::of(self.algorithm)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// `unnamed` is the algorithm of a key without `alg`, where something else says which.
pub(super) fn prepare(
    jwk: &str,
    members: &Object<'_>,
    unnamed: Option<Algorithm>,
) -> Result<Prepared, Skipped> {
    if PRIVATE_MEMBERS
        .iter()
        .any(|member| members.contains(member))
    {
        return Err(Skipped::Private);
    }
    // The common members are read here and not through `Jwk`: it knows no `Ed25519`
    // (RFC 9864), takes null for an absent `use`, and drops a good key for an odd `x5c`,
    // which nothing here looks at.
    let named = text(members, "alg")?
        .map(|name| Algorithm::named(&name).ok_or(Skipped::Unsupported))
        .transpose()?
        .or(unnamed);
    check_use(text(members, "use")?.as_deref(), members.get("key_ops"))?;
    let parameters: AlgorithmParameters =
        serde_json::from_str(jwk).map_err(|_| Skipped::Malformed)?;
    match &parameters {
        AlgorithmParameters::RSA(rsa) => prepare_rsa(rsa, named),
        AlgorithmParameters::EllipticCurve(ec) => prepare_ec(ec, named),
        AlgorithmParameters::OctetKeyPair(okp) => prepare_ed25519(okp, named),
        _ => Err(Skipped::Unsupported),
    }
}

fn text<'a>(members: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Skipped> {
    match members.get(name).map(json::string) {
        None => Ok(None),
        Some(None) => Err(Skipped::Malformed),
        Some(text) => Ok(text),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kty {
    Rsa,
    Ec,
    Okp,
}

impl Kty {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => Self::Rsa,
            Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 => Self::Rsa,
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => Self::Ec,
            Algorithm::EdDSA => Self::Okp,
        }
    }
}

/// RFC 7517 §4.2-3: what is there must allow verification.
fn check_use(usage: Option<&str>, operations: Option<&str>) -> Result<(), Skipped> {
    let operations = operations
        .map(|list| json::strings(list).ok_or(Skipped::Malformed))
        .transpose()?;
    let signs = usage.is_none_or(|usage| usage == "sig");
    let verifies = operations.is_none_or(|list| list.iter().any(|name| name == "verify"));
    if signs && verifies {
        Ok(())
    } else {
        Err(Skipped::NotForSignatures)
    }
}

pub(super) type Prepared = (Algorithm, PreparedKey, [u8; 32]);

/// RFC 7518 §6.3.1. Without `alg` the key is for RS256, and for it only (RFC 8725 §3.1).
fn prepare_rsa(rsa: &RSAKeyParameters, named: Option<Algorithm>) -> Result<Prepared, Skipped> {
    let algorithm = one_of_kty(Kty::Rsa, named, Algorithm::RS256)?;
    let (modulus, exponent) = (decode(&rsa.n)?, decode(&rsa.e)?);
    // Some issuers write a leading zero octet; strength is counted without.
    let (modulus, exponent) = (strip_zeros(&modulus), strip_zeros(&exponent));
    let bits = modulus.len() * 8
        - modulus
            .first()
            .map_or(0, |first| first.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let exponent_fits = odd(exponent) && exponent != [1] && exponent.len() <= 4;
    if !(2048..=8192).contains(&bits) || !odd(modulus) || !exponent_fits {
        return Err(Skipped::Strength);
    }
    let prepared = PreparedKey::rsa(algorithm, modulus, exponent).map_err(|_| Skipped::Strength)?;
    let required = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, rsa.e, rsa.n);
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

/// RFC 7518 §6.2.1: the coordinates have the curve's full length.
fn prepare_ec(
    ec: &EllipticCurveKeyParameters,
    named: Option<Algorithm>,
) -> Result<Prepared, Skipped> {
    let (algorithm, length, curve) = match ec.curve {
        EllipticCurve::P256 => (Algorithm::ES256, 32, "P-256"),
        EllipticCurve::P384 => (Algorithm::ES384, 48, "P-384"),
        EllipticCurve::P521 => (Algorithm::ES512, 66, "P-521"),
        _ => return Err(Skipped::Unsupported),
    };
    if named.is_some_and(|named| named != algorithm) {
        return Err(Skipped::AlgorithmMismatch);
    }
    let (x, y) = (decode(&ec.x)?, decode(&ec.y)?);
    if x.len() != length || y.len() != length {
        return Err(Skipped::Point);
    }
    let point = [&[4][..], &x, &y].concat();
    let prepared = PreparedKey::ec(algorithm, &point).map_err(|_| Skipped::Point)?;
    let required = format!(
        r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#,
        ec.x, ec.y
    );
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

/// RFC 8037 §2.
fn prepare_ed25519(
    okp: &OctetKeyPairParameters,
    named: Option<Algorithm>,
) -> Result<Prepared, Skipped> {
    if okp.curve != EllipticCurve::Ed25519 {
        return Err(Skipped::Unsupported);
    }
    let algorithm = one_of_kty(Kty::Okp, named, Algorithm::EdDSA)?;
    let x = decode(&okp.x)?;
    if x.len() != 32 {
        return Err(Skipped::Point);
    }
    let prepared = PreparedKey::ed25519(&x).map_err(|_| Skipped::Point)?;
    let required = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, okp.x);
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

fn one_of_kty(
    kty: Kty,
    named: Option<Algorithm>,
    default: Algorithm,
) -> Result<Algorithm, Skipped> {
    let algorithm = named.unwrap_or(default);
    if Kty::of(algorithm) == kty {
        Ok(algorithm)
    } else {
        Err(Skipped::AlgorithmMismatch)
    }
}

fn decode(value: &str) -> Result<Vec<u8>, Skipped> {
    BASE64URL.decode(value).map_err(|_| Skipped::Malformed)
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// RFC 7518 §6.3.2, §6.2.2, §6.4; `k` is a symmetric key.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
