//! [`Basis`]: the settings and the key on which the acceptance of a token is based.

use std::sync::Arc;

use crate::{
    error::VerifyError,
    keys::Key,
    verified_token::VerifiedToken,
    verifier::{ActiveIssuer, decision_error::DecisionError, token_cache::Entry},
};

/// What the acceptance of a token is based on. The settings may be replaced, and the key may be withdrawn,
/// while the request waits.
pub(in crate::verifier) enum Basis {
    Cached(Arc<Entry<Verification>>),
    Verified(Verification),
    /// The introspection response alone.
    Introspection(Arc<ActiveIssuer>),
}

/// The settings and the key with which a token was verified.
#[derive(Clone, Debug)]
pub(crate) struct Verification {
    pub(super) issuer: Arc<ActiveIssuer>,
    pub(super) key: Arc<Key>,
}

impl Basis {
    /// Checks that the key was not withdrawn while the request waited.
    pub(super) fn check_key(&self) -> Result<(), VerifyError> {
        match self.key() {
            Some(key) if key.is_retired() => Err(VerifyError::UnknownKeyId),
            _ => Ok(()),
        }
    }

    pub(super) fn error(&self, error: VerifyError) -> DecisionError {
        DecisionError::of(error, self.issuer())
    }

    /// Returns the error of a verified token. It is built here and not where it is returned, so that the functions that
    /// every cache hit calls stay small.
    #[cold]
    #[inline(never)]
    pub(super) fn reject(&self, error: VerifyError, token: &VerifiedToken) -> DecisionError {
        self.error(error).with_token(token)
    }

    pub(super) fn issuer(&self) -> &Arc<ActiveIssuer> {
        match self {
            Self::Cached(entry) => &entry.verification.issuer,
            Self::Verified(verification) => &verification.issuer,
            Self::Introspection(issuer) => issuer,
        }
    }

    fn key(&self) -> Option<&Key> {
        match self {
            Self::Cached(entry) => Some(&entry.verification.key),
            Self::Verified(verification) => Some(&verification.key),
            Self::Introspection(_) => None,
        }
    }
}

impl Verification {
    /// Returns whether the issuer's settings were replaced. A cache entry with replaced settings is never
    /// used again, so it is evicted without waiting for its next look-up.
    pub(in crate::verifier) fn is_retired(&self) -> bool {
        self.issuer.is_retired()
    }
}
