//! Keys of proofs that passed before. To prepare one costs as much again as to verify with it, and
//! a caller's proofs share their header to the byte.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::ConfigError,
    keys::ProofKey,
};

/// Changes no verdict: a header that is remembered was judged whole, and its key is what it says.
pub(crate) struct ProofKeys {
    entries: Cache<Fingerprint, Arc<ProofKey>>,
    /// Keyed for this cache: nobody outside can make two headers share one.
    fingerprints: Fingerprints,
}

impl ProofKeys {
    pub(super) fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            entries: Cache::new(MAX_KEYS),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// `header` as it was sent.
    pub(super) fn find(&self, header: &[u8]) -> Option<Arc<ProofKey>> {
        self.entries.get(&self.fingerprints.of(header)?)
    }

    /// For a proof that passed: only who holds a token takes room here.
    pub(super) fn remember(&self, header: &[u8], key: Arc<ProofKey>) {
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

/// Callers that are active at once, at about 1 KB each.
const MAX_KEYS: u64 = 10_000;
