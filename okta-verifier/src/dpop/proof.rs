//! Parses a DPoP proof (RFC 9449 §4.2): strict JSON in the strict compact form, with its key. `judge`
//! checks whether it fits the request.

use std::borrow::Cow;

use crate::{
    crypto::Algorithm,
    error::{MalformedTokenError, ProofError},
    keys::ProofKey,
    token::{
        claims::date,
        json::{self, Object},
        jws::media_type,
    },
};

/// Returns the key of a proof after checking its header (RFC 9449 §4.3, items 3 to 5 and 7).
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

/// The claims, typed strictly. Values are validated in `judge`. There is no `Debug`, because a proof is a
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

/// Much more than any random identifier needs.
const MAX_JTI: usize = 512;
