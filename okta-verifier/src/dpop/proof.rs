//! DPoP proofs (RFC 9449 §4.2): strict JSON in the strict compact form, with its key, and the checks of §4.3
//! in their order. The checks are pure but for the cache of prepared keys, which changes no result.

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
    /// `None` if no nonce is required, so that one in the proof is ignored.
    pub(crate) nonces: Option<&'a DpopNonces>,
    /// The cache of prepared keys.
    pub(crate) keys: &'a ProofKeys,
}

/// The client that the token is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// The thumbprint of its key.
    pub(crate) jkt: &'a [u8; 32],
    /// The SHA-256 of the token, computed for the first proof that is compared with it.
    pub(crate) token_hash: &'a OnceLock<[u8; 32]>,
}

/// The accepted range of `iat`: the seconds before and after the present. A token's leeway is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) past: u64,
    pub(crate) future: u64,
}

/// A proof that passed all checks, as the replay store records it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct AcceptedProof {
    /// The digest of key and `jti`, which is the same in every instance.
    pub(crate) digest: [u8; 32],
    /// The last second in which the proof would pass again.
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
    // Part of item 12. It comes before the signature, because otherwise a thief could choose the key with
    // which this service computes.
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
    check_age(claims.iat, expected.window, now)?; // item 11
    check_own_dates(&claims, expected.window, now)?;
    check_hash(&claims.ath, expected)?; // item 12
    if cached.is_none() {
        expected.keys.insert(jws.header, key.clone());
    }
    Ok(AcceptedProof {
        digest: digest(&key.thumbprint, &claims.jti),
        until: claims.iat.saturating_add(expected.window.past),
    })
}

fn malformed(reason: MalformedTokenError) -> ProofError {
    ProofError::Malformed(reason)
}

/// Checks the nonce. A required nonce must not be absent (RFC 9449 §11.3), and the rejection of an old one has
/// a new one (§9).
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

fn check_age(iat: u64, window: Window, now: u64) -> Result<(), ProofError> {
    if now.saturating_sub(iat) > window.past {
        return Err(ProofError::TooOld { seconds: now - iat });
    }
    if iat.saturating_sub(now) > window.future {
        return Err(ProofError::InFuture { seconds: iat - now });
    }
    Ok(())
}

/// Checks `exp` and `nbf`, which a proof may leave out (RFC 7519 §4.1.4 and §4.1.5).
fn check_own_dates(claims: &Claims<'_>, window: Window, now: u64) -> Result<(), ProofError> {
    if claims.exp.is_some_and(|exp| exp <= now) {
        return Err(ProofError::Claim { claim: "exp" });
    }
    if claims
        .nbf
        .is_some_and(|nbf| nbf > now.saturating_add(window.future))
    {
        return Err(ProofError::Claim { claim: "nbf" });
    }
    Ok(())
}

/// Compares hashes of a token that the client has, so the comparison need not take constant time.
fn check_hash(ath: &str, expected: &Expected<'_>) -> Result<(), ProofError> {
    let hash = expected.holder.token_hash;
    let hash = hash.get_or_init(|| sha256(expected.token));
    if ath == BASE64URL.encode(hash) {
        Ok(())
    } else {
        Err(ProofError::TokenHash)
    }
}

/// Returns the digest of a proof. The key is part of it, so that no client can use up the `jti` of another
/// client's proof.
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
    // The key is in the proof, so `kid` is ignored, but a null one is an error in any header.
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

/// The claims, typed strictly. Values are checked in [`verify_proof`]. There is no `Debug`, because a proof is a
/// credential.
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
        // A null stands for an absent claim, and is an error if the claim is required.
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
            // A null must not remove the expiry.
            exp: own_date("exp", object.get("exp"), f64::floor)?,
            nbf: own_date("nbf", object.present("nbf"), f64::ceil)?,
            ath: text("ath")?,
            nonce: optional("nonce")?,
        })
    }
}

/// The prepared keys of accepted proofs, by the header of the proof. Preparing a key takes as long as verifying
/// a signature with it, and all proofs of a client have the same header. The cache changes no result: a cached
/// header was checked completely, and its key is the one that it contains.
pub(crate) struct ProofKeys {
    entries: Cache<Fingerprint, Arc<ProofKey>>,
    /// The fingerprints are keyed, so that it takes the key of this process to make two headers share one.
    fingerprints: Fingerprints,
}

impl ProofKeys {
    pub(crate) fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            entries: Cache::new(MAX_CACHED_KEYS),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// Looks a header up by its bytes as they were sent.
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

/// In bytes. A proof has one key and a few short claims, so the setting for tokens does not apply to it.
const MAX_PROOF: usize = 16 * 1024;
/// Much more than any random identifier needs.
const MAX_JTI: usize = 512;
/// The number of clients that are active at the same time, at about 1 KB each.
const MAX_CACHED_KEYS: u64 = 10_000;
