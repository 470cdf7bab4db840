//! Tokens that were verified before. What is remembered is that form, signature and claims were
//! right; the key and the clock are asked again at every hit.

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

/// `K` is what the token was verified with.
pub(crate) struct TokenCache<K> {
    entries: Cache<Digest, Arc<Entry<K>>, BuildHasherDefault<Folded>>,
    /// Those that are asked for most.
    front: Front<K>,
    /// Keyed for this cache: nobody outside can make two tokens share one.
    fingerprints: Fingerprints,
    max_age: Duration,
}

/// Stands for one token, to the byte. The token itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(Fingerprint);

pub(crate) struct Entry<K> {
    pub(crate) token: VerifiedToken,
    pub(crate) proof: K,
    digest: Digest,
    until: End,
}

impl<K: Send + Sync + 'static> TokenCache<K> {
    /// `None`: there is nothing to remember, or no randomness to do it safely.
    pub(crate) fn new(entries: u64, max_age: Duration) -> Option<Self> {
        if entries == 0 || max_age.is_zero() {
            return None;
        }
        let front = Front::new(entries);
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

    /// `None`: a token so long is not remembered, so that entries bound the memory too.
    pub(crate) fn digest(&self, token: &[u8]) -> Option<Digest> {
        if token.len() > MAX_REMEMBERED {
            return None;
        }
        self.fingerprints.of(token).map(Digest)
    }

    pub(crate) fn find(&self, digest: Digest, now: Now) -> Option<Arc<Entry<K>>> {
        let entry = match self.front.find(digest) {
            Some(entry) => {
                if one_in(HEARD) {
                    // For its notes.
                    self.entries.get(&digest);
                }
                entry
            }
            None => {
                let entry = self.entries.get(&digest)?;
                self.front.offer(&entry);
                entry
            }
        };
        if !now.is_before(entry.until) {
            self.forget(digest);
            return None;
        }
        Some(entry)
    }

    /// `now` is when the token was verified.
    pub(crate) fn remember(&self, digest: Digest, token: VerifiedToken, proof: K, now: Now) {
        let entry = Arc::new(Entry {
            token,
            proof,
            digest,
            until: now.plus(self.max_age),
        });
        self.front.offer(&entry);
        self.entries.insert(digest, entry);
    }

    /// Lets all go whose proof is like that, as time allows. One that is found meanwhile is for the
    /// caller to refuse, as ever.
    pub(crate) fn forget_all(&self, is_gone: impl Fn(&K) -> bool + Send + Sync + 'static) {
        let is_gone = Arc::new(is_gone);
        let gone = is_gone.clone();
        // The only error is that the cache was not built for it.
        let _ = self
            .entries
            .invalidate_entries_if(move |_, entry| gone(&entry.proof));
        self.front.forget_all(&*is_gone);
    }

    pub(crate) fn forget(&self, digest: Digest) {
        self.entries.invalidate(&digest);
        self.front.forget(digest);
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
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.0 ^= u64::from_ne_bytes(padded);
        }
    }

    fn write_usize(&mut self, _: usize) {} // of an array: always the same

    fn finish(&self) -> u64 {
        self.0
    }
}

/// moka takes note of each look-up, to know what to keep, and that takes longer than all the rest
/// of a hit: of those that [`Front`] answers it hears of one in so many.
const HEARD: u64 = 16;

/// Okta's tokens have about 1 KB.
const MAX_REMEMBERED: usize = 4 * 1024;

struct Front<K>(Box<[ArcSwapWeak<Entry<K>>]>);

impl<K> Front<K> {
    /// For a cache of so many entries, at least one.
    fn new(entries: u64) -> Self {
        let seats = 1 << entries.clamp(1, MOST_SEATS).ilog2();
        Self((0..seats).map(|_| ArcSwapWeak::new(Weak::new())).collect())
    }

    fn find(&self, digest: Digest) -> Option<Arc<Entry<K>>> {
        let entry = self.seat(digest).load().upgrade()?;
        (entry.digest == digest).then_some(entry)
    }

    /// `entry` was asked for. Who sits there gives way to some only: two who are asked for in turns
    /// shall not take each other's seat every time.
    fn offer(&self, entry: &Arc<Entry<K>>) {
        let seat = self.seat(entry.digest);
        let gives_way = match seat.load().upgrade() {
            Some(seated) if seated.digest == entry.digest => !Arc::ptr_eq(&seated, entry),
            Some(_) => one_in(SEATED),
            None => true,
        };
        if gives_way {
            seat.store(Arc::downgrade(entry));
        }
    }

    fn forget(&self, digest: Digest) {
        self.forget_if(self.seat(digest), |entry| entry.digest == digest);
    }

    fn forget_all(&self, is_gone: impl Fn(&K) -> bool) {
        for seat in &self.0 {
            self.forget_if(seat, |entry| is_gone(&entry.proof));
        }
    }

    fn forget_if(&self, seat: &ArcSwapWeak<Entry<K>>, is_gone: impl Fn(&Entry<K>) -> bool) {
        if seat.load().upgrade().is_some_and(|entry| is_gone(&entry)) {
            // Whoever sat down meanwhile is asked for at the cache once.
            seat.store(Weak::new());
        }
    }

    fn seat(&self, digest: Digest) -> &ArcSwapWeak<Entry<K>> {
        let [low, high, ..] = digest.0;
        let number = usize::from(u16::from_le_bytes([low, high]));
        &self.0[number & (self.0.len() - 1)]
    }
}

/// By a sequence of each thread's own: by turns, some entries would never be the one.
fn one_in(power_of_two: u64) -> bool {
    thread_local! {
        static LAST: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) };
    }
    let next = xorshift(LAST.get());
    LAST.set(next);
    next & (power_of_two - 1) == 0
}

/// 128 KB; and some 100 bytes for each whose entry is gone and who has not been followed yet.
const MOST_SEATS: u64 = 16_384;
/// So many times does who sits in a seat give way.
const SEATED: u64 = 8;

#[cfg(test)]
mod tests;
