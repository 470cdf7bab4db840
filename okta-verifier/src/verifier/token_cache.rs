//! The cache of verified tokens, by a keyed fingerprint of the token. A cache hit saves parsing the token
//! and verifying its signature. The key, the settings and the dates are checked again at every hit.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::ArcSwapWeak;
use moka::sync::Cache;

use crate::{
    crypto::{Fingerprint, Fingerprints, xorshift},
    sync::clock::{End, Now},
    verified_token::VerifiedToken,
};

/// A cache of verified tokens. `K` stands for the settings and the key with which a token was verified.
pub(crate) struct TokenCache<K> {
    entries: Cache<Digest, Arc<Entry<K>>, BuildHasherDefault<Folded>>,
    /// The entries that are used most.
    front: Front<K>,
    /// The fingerprints are keyed. Without the key of this process, two tokens with the same fingerprint
    /// cannot be found.
    fingerprints: Fingerprints,
    max_age: Duration,
}

/// The fingerprint of one token. The token itself is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(Fingerprint);

pub(crate) struct Entry<K> {
    pub(crate) token: VerifiedToken,
    pub(crate) verification: K,
    digest: Digest,
    until: End,
}

impl<K: Send + Sync + 'static> TokenCache<K> {
    /// Returns an empty cache, or `None` if the cache is disabled or the random number generator is
    /// unavailable.
    pub(crate) fn new(entries: u64, max_age: Duration) -> Option<Self> {
        if entries == 0 || max_age.is_zero() {
            return None;
        }
        let front = Front::new(entries);
        // moka's time to live is not set, because `find` checks the age of an entry by the clock of the
        // request.
        let entries = Cache::builder()
            .max_capacity(entries)
            .support_invalidation_closures()
            .build_with_hasher(BuildHasherDefault::default());
        Some(Self {
            entries,
            front,
            fingerprints: Fingerprints::new()?,
            max_age,
        })
    }

    /// Returns the digest of a token, or `None` if the token is too long to be cached. Because of this
    /// limit, the number of entries also limits the memory.
    pub(crate) fn digest(&self, token: &[u8]) -> Option<Digest> {
        if token.len() > MAX_CACHED_TOKEN {
            return None;
        }
        self.fingerprints.of(token).map(Digest)
    }

    pub(crate) fn find(&self, digest: Digest, now: Now) -> Option<Arc<Entry<K>>> {
        let entry = match self.front.find(digest) {
            Some(entry) => {
                if one_in(RECORDED) {
                    // Keep moka's access statistics roughly up to date.
                    self.entries.get(&digest);
                }
                entry
            }
            None => {
                let entry = self.entries.get(&digest)?;
                self.front.store(&entry);
                entry
            }
        };
        if !now.is_before(entry.until) {
            self.evict(digest);
            return None;
        }
        Some(entry)
    }

    /// Caches a token that was verified at `now`.
    pub(crate) fn insert(&self, digest: Digest, token: VerifiedToken, verification: K, now: Now) {
        let entry = Arc::new(Entry {
            token,
            verification,
            digest,
            until: now.plus(self.max_age),
        });
        self.front.store(&entry);
        self.entries.insert(digest, entry);
    }

    /// Evicts entries that match the predicate. Eviction is asynchronous, so the caller must still reject
    /// such an entry at its next hit.
    pub(crate) fn evict_if(&self, is_retired: impl Fn(&K) -> bool + Send + Sync + 'static) {
        let is_retired = Arc::new(is_retired);
        let is_entry_retired = is_retired.clone();
        // This fails only if the cache was built without `support_invalidation_closures`.
        let _ = self
            .entries
            .invalidate_entries_if(move |_, entry| is_entry_retired(&entry.verification));
        self.front.remove_retired(&*is_retired);
    }

    pub(crate) fn evict(&self, digest: Digest) {
        self.entries.invalidate(&digest);
        self.front.remove(digest);
    }
}

impl<K> fmt::Debug for TokenCache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

/// Uses the bits of a digest as its hash, because they are uniform and unknown outside the process.
#[derive(Debug, Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.0 ^= u64::from_ne_bytes(padded);
        }
    }

    fn write_usize(&mut self, _: usize) {} // the length of an array, which is constant

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One in this many look-ups that [`Front`] serves is passed on to moka. moka records each look-up to
/// choose the entries that it evicts, and recording takes longer than the rest of a cache hit.
const RECORDED: u64 = 16;

/// The maximum size of a cached token in bytes. Okta's tokens are about 1 KB long.
const MAX_CACHED_TOKEN: usize = 4 * 1024;

/// The entries that are used most, each in the slot that its digest selects. A look-up is a load and a
/// comparison.
///
/// Slots hold weak references, so they do not keep evicted entries alive. An entry from a slot is checked
/// like an entry from the cache.
struct Front<K>(Box<[ArcSwapWeak<Entry<K>>]>);

impl<K> Front<K> {
    /// Returns empty slots for a cache of at most `entries` tokens.
    fn new(entries: u64) -> Self {
        let slots = 1 << entries.clamp(1, MAX_SLOTS).ilog2();
        Self((0..slots).map(|_| ArcSwapWeak::new(Weak::new())).collect())
    }

    fn find(&self, digest: Digest) -> Option<Arc<Entry<K>>> {
        let entry = self.slot(digest).load().upgrade()?;
        (entry.digest == digest).then_some(entry)
    }

    /// Stores an entry that was used. An occupied slot is replaced with probability 1/8, so that two
    /// alternating tokens do not evict each other every time.
    fn store(&self, entry: &Arc<Entry<K>>) {
        let slot = self.slot(entry.digest);
        let is_replaced = match slot.load().upgrade() {
            Some(occupant) if occupant.digest == entry.digest => !Arc::ptr_eq(&occupant, entry),
            Some(_) => one_in(REPLACED),
            None => true,
        };
        if is_replaced {
            slot.store(Arc::downgrade(entry));
        }
    }

    fn remove(&self, digest: Digest) {
        self.remove_if(self.slot(digest), |entry| entry.digest == digest);
    }

    fn remove_retired(&self, is_retired: impl Fn(&K) -> bool) {
        for slot in &self.0 {
            self.remove_if(slot, |entry| is_retired(&entry.verification));
        }
    }

    fn remove_if(&self, slot: &ArcSwapWeak<Entry<K>>, is_removed: impl Fn(&Entry<K>) -> bool) {
        if slot
            .load()
            .upgrade()
            .is_some_and(|entry| is_removed(&entry))
        {
            // If another entry was stored in the slot meanwhile, that entry is removed too. The next
            // look-up of its token goes to the cache.
            slot.store(Weak::new());
        }
    }

    fn slot(&self, digest: Digest) -> &ArcSwapWeak<Entry<K>> {
        let [low, high, ..] = digest.0;
        let number = usize::from(u16::from_le_bytes([low, high]));
        &self.0[number & (self.0.len() - 1)]
    }
}

/// Returns true with a probability of 1 in `power_of_two`, from a pseudo-random sequence per thread. A
/// counter could miss some entries forever, if requests follow a pattern.
fn one_in(power_of_two: u64) -> bool {
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) };
    }
    let next = xorshift(LAST.get());
    LAST.set(next);
    next & (power_of_two - 1) == 0
}

/// The maximum number of slots, which take 128 KB. An evicted entry keeps about 100 bytes allocated until
/// its slot is reused.
const MAX_SLOTS: u64 = 16_384;
/// An occupied slot is replaced with a probability of 1 in this number.
const REPLACED: u64 = 8;

#[cfg(test)]
mod tests;
