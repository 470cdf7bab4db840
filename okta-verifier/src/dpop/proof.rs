//! Parses DPoP proofs (RFC 9449 §4.2) and makes the checks of §4.3. A proof must have the strict compact
//! form with strict JSON. The only state is the cache of prepared keys, which changes no result.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use base64::Engine;
use moka::sync::Cache;

use super::{
    external_url::{External, Place},
    htu::Htu,
    nonce::DpopNonces,
    window::Window,
};
use crate::{
    crypto::{Algorithm, Fingerprint, Fingerprints, sha256},
    error::{ConfigError, MalformedTokenError, ProofError, VerifyError},
    keys::ProofKey,
    token::{
        BASE64URL,
        claims::date,
        json::{self, Object},
        jws::{Compact, media_type},
    },
};

/// The values that a proof must match. There is no `Debug`, because the token is one of them.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    pub(crate) place: Place<'a>,
    pub(crate) external: &'a External,
    /// The access token, as it was sent.
    pub(crate) token: &'a [u8],
    pub(crate) holder: Holder<'a>,
    pub(crate) window: Window,
    /// `None` if no nonce is required. A nonce in the proof is then ignored.
    pub(crate) nonces: Option<&'a DpopNonces>,
    /// The cache of prepared keys.
    pub(crate) keys: &'a ProofKeys,
}

/// The client that the token is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// The thumbprint of the client's key.
    pub(crate) jkt: &'a [u8; 32],
    /// The SHA-256 of the token, which is computed when the first proof is checked.
    pub(crate) token_hash: &'a OnceLock<[u8; 32]>,
}

/// A proof that passed all checks, in the form in which the replay store records it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct AcceptedProof {
    /// The digest of the proof's key and `jti`. Every instance computes the same digest.
    pub(crate) digest: [u8; 32],
    /// The last second in which the same proof would pass the checks again.
    pub(crate) until: u64,
}

/// Verifies a proof for a request (RFC 9449 §4.3). `proof` is the only value of the `DPoP` header (item 1),
/// and `now` is in seconds.
pub(crate) fn verify_proof(
    proof: &[u8],
    expected: &Expected<'_>,
    now: u64,
) -> Result<AcceptedProof, VerifyError> {
    let jws = Compact::split(proof, MAX_PROOF).map_err(malformed)?; // item 2
    let cached = expected.keys.find(jws.header);
    let key = match &cached {
        Some(key) => key.clone(),
        None => Arc::new(proof_key(&jws.header().map_err(malformed)?)?), // items 3 to 5, and 7
    };
    // Part of item 12. The key is compared before the signature is verified, because otherwise the sender
    // of a stolen token could choose the key that this service computes with.
    if key.thumbprint != *expected.holder.jkt {
        return Err(VerifyError::BindingMismatch);
    }
    let payload = jws.payload().map_err(malformed)?;
    let claims = Claims::parse(&payload)?; // item 3
    let signature = jws.signature().map_err(|error| match error {
        VerifyError::Malformed(reason) => malformed(reason),
        _ => ProofError::Signature,
    })?;
    key.verify(jws.signed, &signature)
        .map_err(|_| ProofError::Signature)?; // item 6
    if claims.htm != expected.method {
        return Err(ProofError::Method.into()); // item 8
    }
    let url = expected.external.url(expected.place);
    let url = url.ok_or(ProofError::UnknownUrl)?;
    if !Htu::parse(&claims.htu).is_some_and(|htu| url.is(&htu)) {
        return Err(ProofError::Url.into()); // item 9
    }
    check_nonce(claims.nonce.as_deref(), expected.nonces, now)?; // item 10
    let window = expected.window;
    window.check_iat(claims.iat, now)?; // item 11
    window.check_own_dates(claims.exp, claims.nbf, now)?;
    check_hash(&claims.ath, expected)?; // item 12
    if cached.is_none() {
        expected.keys.insert(jws.header, key.clone());
    }
    Ok(AcceptedProof {
        digest: digest(&key.thumbprint, &claims.jti),
        until: window.end(claims.iat),
    })
}

fn malformed(reason: MalformedTokenError) -> ProofError {
    ProofError::Malformed(reason)
}

/// Checks the nonce, if nonces are required. A proof without a nonce is then rejected (RFC 9449 §11.3), and
/// the response to an old nonce contains a new one (§9).
fn check_nonce(
    nonce: Option<&str>,
    nonces: Option<&DpopNonces>,
    now: u64,
) -> Result<(), VerifyError> {
    match (nonces, nonce) {
        (None, _) => Ok(()),
        (Some(nonces), Some(nonce)) if nonces.accept(nonce, now) => Ok(()),
        (Some(_), _) => Err(VerifyError::NonceRequired),
    }
}

/// Compares `ath` with the hash of the token. The client knows the token, so the comparison need not take
/// constant time.
fn check_hash(ath: &str, expected: &Expected<'_>) -> Result<(), ProofError> {
    let hash = expected.holder.token_hash;
    let hash = hash.get_or_init(|| sha256(expected.token));
    if ath == BASE64URL.encode(hash) {
        Ok(())
    } else {
        Err(ProofError::TokenHash)
    }
}

/// Returns the digest of a proof. The key is part of the digest, so that no client can use up the `jti` of
/// another client's proof.
fn digest(thumbprint: &[u8; 32], jti: &str) -> [u8; 32] {
    sha256(&[thumbprint, jti.as_bytes()].concat())
}

/// Returns the key of a proof, after the checks of its header (RFC 9449 §4.3, items 3 to 5 and 7).
pub(super) fn proof_key(header: &str) -> Result<ProofKey, ProofError> {
    let header = Object::parse(header).map_err(ProofError::Malformed)?;
    // RFC 7515 §4.1.11, RFC 7797 §6: no critical extension is supported.
    if header.contains("crit") || header.get("b64").is_some_and(|b64| b64 != "true") {
        return Err(ProofError::Malformed(MalformedTokenError::Extension));
    }
    // The key is in the proof, so `kid` is ignored. A null `kid` is an error, as in the header of a token.
    if header.get("kid") == Some("null") {
        return Err(ProofError::Malformed(MalformedTokenError::Header));
    }
    let parameter = |name| header.get(name).map(json::string);
    match parameter("typ") {
        Some(Some(typ)) if media_type(&typ, "dpop+jwt") => {}
        _ => return Err(ProofError::Type),
    }
    let algorithm = match parameter("alg") {
        Some(Some(name)) => Algorithm::named(&name).ok_or(ProofError::Algorithm)?,
        _ => return Err(ProofError::Algorithm),
    };
    let jwk = header.get("jwk").ok_or(ProofError::Key)?;
    ProofKey::parse(jwk, algorithm).map_err(|_| ProofError::Key)
}

/// The claims of a proof, typed strictly. Their values are checked in [`verify_proof`]. There is no
/// `Debug`, because a proof is a credential.
pub(super) struct Claims<'a> {
    pub(super) jti: Cow<'a, str>,
    pub(super) htm: Cow<'a, str>,
    pub(super) htu: Cow<'a, str>,
    pub(super) iat: u64,
    pub(super) exp: Option<u64>,
    pub(super) nbf: Option<u64>,
    pub(super) ath: Cow<'a, str>,
    pub(super) nonce: Option<Cow<'a, str>>,
}

impl<'a> Claims<'a> {
    pub(super) fn parse(payload: &'a str) -> Result<Self, ProofError> {
        let object = Object::parse(payload).map_err(ProofError::Malformed)?;
        // A null is treated as an absent claim, and is therefore an error if the claim is required.
        let optional = |claim| match object.present(claim).map(json::string) {
            None => Ok(None),
            Some(Some(text)) if !text.is_empty() => Ok(Some(text)),
            _ => Err(ProofError::Claim { claim }),
        };
        let text = |claim| optional(claim)?.ok_or(ProofError::Claim { claim });
        // A fraction is rounded up, which is stricter about the future.
        let Ok(Some(iat)) = date("iat", object.get("iat"), f64::ceil) else {
            return Err(ProofError::Claim { claim: "iat" });
        };
        let own_date = |claim, value, round| {
            date(claim, value, round).map_err(|_| ProofError::Claim { claim })
        };
        let jti = text("jti")?;
        if jti.len() > MAX_JTI {
            return Err(ProofError::Claim { claim: "jti" });
        }
        Ok(Self {
            jti,
            htm: text("htm")?,
            htu: text("htu")?,
            iat,
            // A null `exp` is an error, because it must not remove the expiry.
            exp: own_date("exp", object.get("exp"), f64::floor)?,
            nbf: own_date("nbf", object.present("nbf"), f64::ceil)?,
            ath: text("ath")?,
            nonce: optional("nonce")?,
        })
    }
}

/// The prepared keys of accepted proofs, by the header of the proof. Preparing a key takes as long as
/// verifying a signature with it, and all proofs of a client have the same header. The cache changes no
/// result: a cached header has passed all checks, and the cached key is the key in the header.
pub(crate) struct ProofKeys {
    entries: Cache<Fingerprint, Arc<ProofKey>>,
    /// The fingerprints are keyed. Without the key of this process, two headers with the same fingerprint
    /// cannot be found.
    fingerprints: Fingerprints,
}

impl ProofKeys {
    pub(crate) fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            entries: Cache::new(MAX_CACHED_KEYS),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// Looks up the key of a header by the bytes of the header as they were sent. Returns `None` if the key
    /// is not cached.
    pub(crate) fn find(&self, header: &[u8]) -> Option<Arc<ProofKey>> {
        self.entries.get(&self.fingerprints.of(header)?)
    }

    /// Caches the key of an accepted proof. Only a client that has a token can add entries.
    pub(crate) fn insert(&self, header: &[u8], key: Arc<ProofKey>) {
        if let Some(fingerprint) = self.fingerprints.of(header) {
            self.entries.insert(fingerprint, key);
        }
    }
}

impl fmt::Debug for ProofKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKeys").finish_non_exhaustive()
    }
}

/// The maximum size of a proof in bytes. The size limit for tokens does not apply, because a proof has only
/// one key and a few short claims.
const MAX_PROOF: usize = 16 * 1024;
/// The maximum length of `jti` in bytes, which is much more than a random identifier needs.
const MAX_JTI: usize = 512;
/// The maximum number of cached keys. Each active client has one key, and a cached key takes about 1 KB.
const MAX_CACHED_KEYS: u64 = 10_000;
