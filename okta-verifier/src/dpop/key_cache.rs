//! The prepared keys of proofs that were accepted. Preparing a key takes as long as verifying a signature
//! with it, and all proofs of a client have the same header.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::ConfigError,
    keys::ProofKey,
};

/// Cached keys by the header of their proof. They change no result: the cached header was checked
/// completely, and its key is the one that it contains.
pub(crate) struct ProofKeys {
    entries: Cache<Fingerprint, Arc<ProofKey>>,
    /// The fingerprints are keyed, so that nobody outside the process can make two headers share one.
    fingerprints: Fingerprints,
}

impl ProofKeys {
    pub(super) fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            entries: Cache::new(MAX_KEYS),
            fingerprints: Fingerprints::new().ok_or(ConfigError::Randomness)?,
        })
    }

    /// Looks a header up by its bytes as they were sent.
    pub(super) fn find(&self, header: &[u8]) -> Option<Arc<ProofKey>> {
        self.entries.get(&self.fingerprints.of(header)?)
    }

    /// Caches the key of an accepted proof. Only a client that has a token can add entries.
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

/// The number of clients that are active at the same time, at about 1 KB each.
const MAX_KEYS: u64 = 10_000;
