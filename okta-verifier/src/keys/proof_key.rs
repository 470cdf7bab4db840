use std::fmt;

use super::key::{Role, Skipped, prepare};
use crate::{
    algorithm::Algorithm,
    crypto::{BadSignature, PreparedKey},
    token::json::Object,
};

/// A key that stands in the proof it verifies (RFC 9449 §4.2): nobody vouches for it, until its
/// thumbprint is the one that a token is bound to.
pub(crate) struct ProofKey {
    pub(crate) thumbprint: [u8; 32],
    prepared: PreparedKey,
}

impl ProofKey {
    /// `algorithm` is the proof's. The JWK needs no `kid`; every limit of published keys holds, and
    /// coordinates must have their full length.
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
