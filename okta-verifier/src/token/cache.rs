//! Tokens that were verified before. What is remembered is that form, signature and claims were
//! right; the key and the clock are asked again at every hit.

use std::{
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher13};

use super::verified::VerifiedToken;
use crate::crypto::random_bytes;

/// `K` is what the token was verified with.
pub(crate) struct TokenCache<K> {
    entries: Cache<Digest, Arc<Entry<K>>, BuildHasherDefault<Folded>>,
    /// Drawn for this cache: nobody outside can tell a digest, nor make two tokens share one.
    keyed: SipHasher13,
}

/// Stands for one token, to the byte. The token itself is not kept.
///
/// 128 bits of a keyed function over all of it: to be taken for a remembered token, another one
/// would have to hit its digest without ever seeing one, with 2^-128 a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(u64, u64);

pub(crate) struct Entry<K> {
    pub(crate) token: VerifiedToken,
    pub(crate) key: K,
}

impl<K: Send + Sync + 'static> TokenCache<K> {
    /// `None`: there is nothing to remember, or no randomness to do it safely.
    pub(crate) fn new(entries: u64) -> Option<Self> {
        if entries == 0 {
            return None;
        }
        let entries = Cache::builder()
            .max_capacity(entries)
            .time_to_idle(IDLE)
            .build_with_hasher(BuildHasherDefault::default());
        let keyed = SipHasher13::new_with_key(&random_bytes()?);
        Some(Self { entries, keyed })
    }

    /// `None`: a token so long is not remembered, so that entries bound the memory too.
    pub(crate) fn digest(&self, token: &str) -> Option<Digest> {
        if token.len() > MAX_REMEMBERED {
            return None;
        }
        let mut hasher = self.keyed;
        hasher.write(token.as_bytes());
        let digest = hasher.finish128();
        Some(Digest(digest.h1, digest.h2))
    }

    pub(crate) fn find(&self, digest: Digest) -> Option<Arc<Entry<K>>> {
        self.entries.get(&digest)
    }

    pub(crate) fn remember(&self, digest: Digest, token: VerifiedToken, key: K) {
        self.entries.insert(digest, Arc::new(Entry { token, key }));
    }

    pub(crate) fn forget(&self, digest: Digest) {
        self.entries.invalidate(&digest);
    }
}

impl<K> fmt::Debug for TokenCache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

/// A digest is evenly spread and unknown outside: its own bits are the best hash of it.
#[derive(Debug, Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.rotate_left(32) ^ word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Okta's tokens have about 1 KB.
const MAX_REMEMBERED: usize = 4 * 1024;
/// What nobody presents any more is let go.
const IDLE: Duration = Duration::from_secs(60 * 60);
