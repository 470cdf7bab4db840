//! Whether a proof proves that who sends this request holds the key that its token is bound to:
//! the checks of RFC 9449 §4.3, in their order. Pure, but for the memory of prepared keys, which
//! changes no verdict.

use std::sync::{Arc, OnceLock};

use base64::Engine;

use super::{
    external_url::{External, Place},
    htu::Htu,
    key_cache::ProofKeys,
    nonce::DpopNonces,
    proof::{Claims, proof_key},
};
use crate::{
    crypto::sha256,
    error::{MalformedTokenError, ProofError, VerifyError},
    token::{BASE64URL, jws::Compact},
};

/// What a proof must fit. Not debuggable: it holds the token.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    pub(crate) place: Place<'a>,
    pub(crate) external: &'a External,
    /// The access token, as it was sent.
    pub(crate) token: &'a [u8],
    pub(crate) holder: Holder<'a>,
    pub(crate) window: Window,
    /// `None`: no nonce is demanded, and one that is there says nothing.
    pub(crate) nonces: Option<&'a DpopNonces>,
    /// Keys that were prepared before.
    pub(crate) keys: &'a ProofKeys,
}

/// Who the token is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// The thumbprint of the key.
    pub(crate) jkt: &'a [u8; 32],
    /// SHA-256 of the token, once a proof was judged with it.
    pub(crate) token_hash: &'a OnceLock<[u8; 32]>,
}

/// How far `iat` may lie back and ahead, in seconds. A token's leeway is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) past: u64,
    pub(crate) future: u64,
}

/// A proof that passed: what stands between it and its replay.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Used {
    /// Of key and `jti`: the same proof has the same everywhere.
    pub(crate) digest: [u8; 32],
    /// The last second in which the proof would pass again.
    pub(crate) until: u64,
}

/// `proof` is the one value of the `DPoP` header (item 1); `now` is in seconds.
pub(crate) fn judge(proof: &[u8], expected: &Expected<'_>, now: u64) -> Result<Used, VerifyError> {
    let jws = Compact::split(proof, MAX_PROOF).map_err(malformed)?; // item 2
    let known = expected.keys.find(jws.header);
    let key = match &known {
        Some(key) => key.clone(),
        None => Arc::new(proof_key(&jws.header().map_err(malformed)?)?), // items 3 to 5, and 7
    };
    // Of item 12: before the signature, or a thief could choose what key we work with.
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
    if known.is_none() {
        expected.keys.remember(jws.header, key.clone());
    }
    Ok(Used {
        digest: digest(&key.thumbprint, &claims.jti),
        until: claims.iat.saturating_add(expected.window.past),
    })
}

fn malformed(reason: MalformedTokenError) -> ProofError {
    ProofError::Malformed(reason)
}

/// One that was demanded cannot be left out (RFC 9449 §11.3); an old one is answered with a new
/// one (§9).
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

/// A proof need not say when it ends or begins; where it does, that holds (RFC 7519 §4.1.4-5).
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

/// Hashes of what the caller holds: comparing them need not take constant time.
fn check_hash(ath: &str, expected: &Expected<'_>) -> Result<(), ProofError> {
    let hash = expected.holder.token_hash;
    let hash = hash.get_or_init(|| sha256(expected.token));
    if ath == BASE64URL.encode(hash) {
        Ok(())
    } else {
        Err(ProofError::TokenHash)
    }
}

/// The key is part of it: nobody can use up the `jti` of another one's proof.
fn digest(thumbprint: &[u8; 32], jti: &str) -> [u8; 32] {
    sha256(&[thumbprint, jti.as_bytes()].concat())
}

/// Bytes. A proof carries one key and a few short claims, so that the setting for tokens does not
/// apply to it.
const MAX_PROOF: usize = 16 * 1024;
