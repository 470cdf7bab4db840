//! Parses one JWK (RFC 7517 §4) into a prepared public key with exactly one algorithm.
//!
//! From the crate jsonwebtoken only the JWK types are used. Its verification is not used, because it
//! prepares the key again for every token, depends on a crypto provider for the whole process, and accepts
//! tokens without `iss` or `aud`.

use crate::{
    crypto::{Algorithm, BadSignature, PreparedKey, sha256},
    sync::retirement::Retirement,
    token::{
        BASE64URL,
        json::{self, Object},
        tenants::key_is_of,
    },
};
use base64::Engine;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, OctetKeyPairParameters,
    RSAKeyParameters,
};
use std::{borrow::Cow, fmt, sync::Arc};

pub(crate) struct Key {
    /// `None` only if [`KeyOptions::allow_missing_key_id`] is set.
    pub(crate) kid: Option<Box<str>>,
    pub(crate) algorithm: Algorithm,
    /// The member `issuer` that Entra ID writes into the keys of all tenants, which says whose tokens the key
    /// signs.
    issuer: Option<Box<str>>,
    /// The thumbprint (RFC 7638) over canonical numbers. It shows whether the next key set has the same key.
    pub(crate) thumbprint: [u8; 32],
    prepared: PreparedKey,
    /// Shared with the tokens that the key verified, which learn from it that the key was withdrawn. They do not keep the
    /// key itself.
    pub(crate) retirement: Arc<Retirement>,
}

/// Which members a published key may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyOptions {
    /// Whether the only usable key of a set, and the tokens that it signed, may lack `kid`.
    pub(crate) allow_missing_key_id: bool,
    /// The algorithm of RSA keys without `alg`.
    pub(crate) rsa_without_alg: Algorithm,
}

impl Default for KeyOptions {
    fn default() -> Self {
        Self {
            allow_missing_key_id: false,
            rsa_without_alg: Algorithm::RS256,
        }
    }
}

/// Why an entry of a key set is skipped. The other entries are still used (RFC 7517 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum Skipped {
    #[error("it is not a valid JWK")]
    Malformed,
    #[error("its type, curve or algorithm is not supported")]
    Unsupported,
    #[error("its use or key_ops does not include the verification of signatures")]
    NotForSignatures,
    #[error("it has no kid, so no token can name it")]
    NoKid,
    /// The only usable key of the set has no `kid`, and the settings do not allow that.
    #[error(
        "it has no kid; Issuer::allow_missing_key_id allows that for the only usable key of a set"
    )]
    OnlyKeyWithoutKid,
    /// Anyone who can read the set could sign with this key.
    #[error("it contains private or symmetric key material")]
    Private,
    #[error("its alg does not fit its type or curve")]
    AlgorithmMismatch,
    #[error(
        "its RSA modulus does not have 2048 to 8192 bits, or its exponent is not an odd number from 3 to 2^32 - 1"
    )]
    Strength,
    #[error("its RSA modulus has the fingerprint of CVE-2017-15361 (ROCA)")]
    Roca,
    #[error("its coordinates are not a point on its curve")]
    Point,
    #[error("another key of the set has the same kid and algorithm")]
    Ambiguous,
}

impl Key {
    /// Parses one element of the `keys` of a key set, given as JSON text.
    pub(crate) fn parse(entry: &str, options: KeyOptions) -> Result<Self, Skipped> {
        let members = Object::parse(entry).map_err(|_| Skipped::Malformed)?;
        let kid = text(&members, "kid")?.filter(|kid| !kid.is_empty());
        if kid.is_none() && !options.allow_missing_key_id {
            return Err(Skipped::NoKid);
        }
        let role = Role::Published {
            rsa_without_alg: options.rsa_without_alg,
        };
        let (algorithm, prepared, thumbprint) = prepare(entry, &members, role)?;
        Ok(Self {
            kid: kid.map(Box::from),
            algorithm,
            // A value of another type names no issuer, so that the key verifies no token of a tenant.
            issuer: members.present("issuer").map(|issuer| {
                let issuer = json::string(issuer).unwrap_or_default();
                issuer.as_ref().into()
            }),
            thumbprint,
            prepared,
            retirement: Arc::default(),
        })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        #[cfg(test)]
        crate::counts::token_signature();
        self.prepared.verify(message, signature)
    }

    /// Returns whether the key may sign tokens with this `iss`, which is that of one tenant.
    pub(crate) fn is_of_issuer(&self, iss: &str) -> bool {
        (self.issuer.as_ref()).is_none_or(|issuer| key_is_of(issuer, iss))
    }

    /// Returns whether both keys have the same `kid` and algorithm, so that a token cannot distinguish
    /// them.
    pub(crate) fn has_name_of(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm
    }

    /// Returns whether both are the same key with the same `kid` and algorithm. A refresh keeps the `Arc`
    /// of such a key.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.has_name_of(other)
            && self.thumbprint == other.thumbprint
            && self.issuer == other.issuer
    }

    /// Returns whether the key was withdrawn by its issuer. Tokens that it verified are no longer trusted.
    pub(crate) fn is_retired(&self) -> bool {
        self.retirement.is_retired()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The public key in a DPoP proof (RFC 9449 §4.2). It is trusted only if a token is bound to its
/// thumbprint.
pub(crate) struct ProofKey {
    pub(crate) thumbprint: [u8; 32],
    prepared: PreparedKey,
}

impl ProofKey {
    /// Parses the JWK of a proof that is signed with `algorithm`. The JWK needs no `kid`. The limits of
    /// published keys apply, and coordinates must have their full length.
    pub(crate) fn parse(jwk: &str, algorithm: Algorithm) -> Result<Self, Skipped> {
        let members = Object::parse(jwk).map_err(|_| Skipped::Malformed)?;
        let (of_key, prepared, thumbprint) = prepare(jwk, &members, Role::Proof(algorithm))?;
        if of_key != algorithm {
            return Err(Skipped::AlgorithmMismatch);
        }
        Ok(Self {
            thumbprint,
            prepared,
        })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        #[cfg(test)]
        crate::counts::proof_signature();
        self.prepared.verify(message, signature)
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKey").finish_non_exhaustive()
    }
}

/// What a JWK is used for, which decides what may be absent and how its numbers may be written.
#[derive(Clone, Copy)]
enum Role {
    /// A key of an issuer. Its numbers may have extra leading zero octets or lack required ones. Its
    /// thumbprint is computed over canonical numbers, because it is only compared with the thumbprints of
    /// other keys of the same issuer.
    Published { rsa_without_alg: Algorithm },
    /// The key of a DPoP proof with this algorithm. Tokens are bound to its thumbprint, which
    /// RFC 7638 §3 computes over the members as they are sent. One key must not have two thumbprints, so
    /// coordinates must have their full length (RFC 7518 §6.2.1).
    Proof(Algorithm),
}

fn prepare(jwk: &str, members: &Object<'_>, role: Role) -> Result<Prepared, Skipped> {
    // Anyone who can read a private key can sign with it. A proof must not have one (RFC 9449 §4.3, item 7).
    if PRIVATE_MEMBERS
        .iter()
        .any(|member| members.present(member).is_some())
    {
        return Err(Skipped::Private);
    }
    // `alg`, `use` and `key_ops` are not read through `jsonwebtoken::jwk::Jwk`. That type does not know
    // `Ed25519` (RFC 9864), and it rejects a valid key with a malformed `x5c`, which is not used here.
    let named = text(members, "alg")?
        .map(|name| Algorithm::named(&name).ok_or(Skipped::Unsupported))
        .transpose()?;
    check_use(text(members, "use")?.as_deref(), members.present("key_ops"))?;
    let parameters: AlgorithmParameters =
        serde_json::from_str(jwk).map_err(|_| Skipped::Malformed)?;
    match &parameters {
        AlgorithmParameters::RSA(rsa) => prepare_rsa(rsa, named, role),
        AlgorithmParameters::EllipticCurve(ec) => prepare_ec(ec, named, role),
        AlgorithmParameters::OctetKeyPair(okp) => prepare_ed25519(okp, named),
        _ => Err(Skipped::Unsupported),
    }
}

pub(super) fn text<'a>(members: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Skipped> {
    match members.present(name).map(json::string) {
        None => Ok(None),
        Some(None) => Err(Skipped::Malformed),
        Some(text) => Ok(text),
    }
}

/// Checks that `use` and `key_ops`, if present, allow verification (RFC 7517 §4.2 and §4.3).
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

type Prepared = (Algorithm, PreparedKey, [u8; 32]);

/// Prepares an RSA key (RFC 7518 §6.3.1). A key without `alg` gets the algorithm of its role, because every
/// key must have exactly one algorithm (RFC 8725 §3.1).
fn prepare_rsa(
    rsa: &RSAKeyParameters,
    named: Option<Algorithm>,
    role: Role,
) -> Result<Prepared, Skipped> {
    let default = match role {
        Role::Published { rsa_without_alg } => rsa_without_alg,
        Role::Proof(algorithm) => algorithm,
    };
    let algorithm = named.unwrap_or(default);
    if !algorithm.is_rsa() {
        return Err(Skipped::AlgorithmMismatch);
    }
    let (modulus, exponent) = (decode(&rsa.n)?, decode(&rsa.e)?);
    // Some issuers write a leading zero octet, which does not count for the strength.
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
    if has_roca_fingerprint(modulus) {
        return Err(Skipped::Roca);
    }
    let prepared = PreparedKey::rsa(algorithm, modulus, exponent).map_err(|_| Skipped::Strength)?;
    let (e, n) = match role {
        Role::Published { .. } => (BASE64URL.encode(exponent), BASE64URL.encode(modulus)),
        Role::Proof(_) => (rsa.e.clone(), rsa.n.clone()),
    };
    let required = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

/// Prepares an EC key. Coordinates must have the curve's full length (RFC 7518 §6.2.1), but published keys
/// may deviate: some issuers strip leading zero octets, which affects 1 key in 128, and others add a zero
/// octet, as for a signed integer.
fn prepare_ec(
    ec: &EllipticCurveKeyParameters,
    named: Option<Algorithm>,
    role: Role,
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
    let coordinate = |text: &str| {
        let number = decode(text)?;
        match role {
            Role::Published { .. } => to_length(&number, length),
            Role::Proof(_) => (number.len() == length).then_some(number),
        }
        .ok_or(Skipped::Point)
    };
    let (x, y) = (coordinate(&ec.x)?, coordinate(&ec.y)?);
    let point = [&[4][..], &x, &y].concat();
    let prepared = PreparedKey::ec(algorithm, &point).map_err(|_| Skipped::Point)?;
    let required = format!(
        r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#,
        BASE64URL.encode(x),
        BASE64URL.encode(y)
    );
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

/// Prepares an Ed25519 key (RFC 8037 §2).
fn prepare_ed25519(
    okp: &OctetKeyPairParameters,
    named: Option<Algorithm>,
) -> Result<Prepared, Skipped> {
    if okp.curve != EllipticCurve::Ed25519 {
        return Err(Skipped::Unsupported);
    }
    let algorithm = Algorithm::EdDSA;
    if named.is_some_and(|named| named != algorithm) {
        return Err(Skipped::AlgorithmMismatch);
    }
    let x = decode(&okp.x)?;
    if x.len() != 32 {
        return Err(Skipped::Point);
    }
    let prepared = PreparedKey::ed25519(&x).map_err(|_| Skipped::Point)?;
    let required = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, okp.x);
    Ok((algorithm, prepared, sha256(required.as_bytes())))
}

fn decode(value: &str) -> Result<Vec<u8>, Skipped> {
    BASE64URL.decode(value).map_err(|_| Skipped::Malformed)
}

/// Returns the number in `length` octets, or `None` if it does not fit.
fn to_length(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = strip_zeros(number);
    let zeros = length.checked_sub(number.len())?;
    Some([&vec![0; zeros][..], number].concat())
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// The members of private keys and, with `k`, of symmetric keys (RFC 7518 §6.2.2, §6.3.2 and §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Returns whether the key has the fingerprint of CVE-2017-15361 (ROCA): `modulus`, big-endian, is a power
/// of 65537 modulo every prime up to 167.
///
/// The affected chips chose their primes as `k * M + (65537^a mod M)`, where `M` is the product of at
/// least the first 39 primes, which are those up to 167. The modulus is then a power of 65537 modulo each
/// of them, and can be factored.
///
/// About 1 in 240 million other moduli has the fingerprint by chance. For 17 of these primes, the powers of 65537
/// are only a fraction of the nonzero residues, and the product of these 17 fractions is 2^-27.8.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    // The search ends at the first prime modulo which `modulus` is not a power of 65537. For four in five
    // unaffected moduli, this prime is 11.
    ROCA_PRIMES
        .into_iter()
        .all(|prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

/// Iterates over the subgroup that 65537 generates modulo `prime`.
fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * (65537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

/// The primes up to 167, without 2: a modulus is odd, so it is always a power of 65537 modulo 2.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
