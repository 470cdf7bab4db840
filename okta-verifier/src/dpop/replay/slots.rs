//! Stores digests in time buckets. All memory is allocated at the start, and the cost of a request does not
//! depend on the number of stored digests.

use super::shares::Shares;

/// A hash table of digests. Each digest is in two lists. The low bits of the digest select a chain, in
/// which the digest is looked up. The last second of the digest selects a bucket, with which the digest
/// expires.
///
/// When a second has passed, its whole bucket is moved to the expired list, whose entries no longer count
/// against the capacity. Each call frees a limited number of expired entries, so that no call has to free
/// all of them.
pub(super) struct Slots {
    /// The first entry of each chain, by the digest's low bits.
    chains: Box<[Link]>,
    /// A ring with one bucket per second.
    buckets: Box<[Bucket]>,
    /// At most `capacity` entries, for which the memory is allocated at the start.
    entries: Vec<Entry>,
    /// The list of free entries, linked by `next`.
    free: Link,
    /// The list of expired entries that are not freed yet, linked by `next_in_bucket`.
    expired: Link,
    /// The number of expired entries.
    expired_count: u32,
    /// The number of entries that have not expired.
    live: u32,
    /// Counts the entries of each caller.
    shares: Shares,
    capacity: u32,
    /// The maximum number of entries that a call frees.
    max_freed: u32,
    /// The buckets up to this second are empty.
    swept: u64,
    /// The latest `until` of all entries so far.
    latest: u64,
    /// A proof whose `until` is not after this second is rejected, because it may have been stored and
    /// removed before.
    removed_until: u64,
}

/// The index of an entry plus one. 0 stands for no entry, so that zeroed memory need not be initialized.
type Link = u32;

#[derive(Clone, Copy)]
struct Entry {
    /// The digest as four `u32` instead of one `u128`, which would need alignment padding.
    digest: [u32; 4],
    next: Link,
    next_in_bucket: Link,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    first: Link,
    last: Link,
    count: u32,
}

/// The result of recording a use of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UseResult {
    First,
    Replayed,
    /// The store is full, or the caller has used up its share.
    Full,
}

impl Slots {
    /// Creates an empty table of at most `capacity` entries. `share` is the number of entries that one
    /// caller may have. `window` is the longest time from now to the last second of an entry, in seconds.
    pub(super) fn new(capacity: u32, share: u32, window: u64) -> Self {
        let seconds = usize::try_from(window).unwrap_or(0).saturating_add(2);
        let chains = (capacity as usize).next_power_of_two();
        Self {
            chains: vec![0; chains].into_boxed_slice(),
            buckets: vec![Bucket::default(); seconds].into_boxed_slice(),
            entries: Vec::with_capacity(capacity as usize),
            free: 0,
            expired: 0,
            expired_count: 0,
            live: 0,
            shares: Shares::new(share, seconds as u64),
            capacity,
            max_freed: MAX_FREED,
            swept: 0,
            latest: 0,
            removed_until: 0,
        }
    }

    /// Stores a digest, unless it is stored already. `until` is the last second in which the same proof
    /// would pass again.
    pub(super) fn insert(&mut self, digest: u128, caller: u32, until: u64, now: u64) -> UseResult {
        self.sweep(now);
        for _ in 0..self.max_freed.min(self.expired_count) {
            self.release();
        }
        // This condition is true only if the clock was set back.
        if until <= self.removed_until {
            return UseResult::Full; // Whether it is the first use is unknown.
        }
        let digest = quarters(digest);
        if self.contains(digest) {
            return UseResult::Replayed;
        }
        // If the clock was set back a little, the entry is put into the first bucket that has not expired,
        // and is therefore kept longer.
        let second = until.max(self.swept.saturating_add(1));
        let is_in_window = second - self.swept <= self.buckets.len() as u64;
        if !is_in_window || self.live >= self.capacity {
            return UseResult::Full;
        }
        if self.shares.take(caller, second, now).is_none() {
            return UseResult::Full;
        }
        self.push(digest, second);
        self.latest = self.latest.max(until);
        UseResult::First
    }

    /// Expires the buckets of all seconds that have passed. Their proofs would no longer be accepted.
    fn sweep(&mut self, now: u64) {
        let length = self.buckets.len() as u64;
        let passed = now.saturating_sub(1);
        if self.swept >= passed.saturating_add(length) {
            // The clock was set back by more than the ring covers. All entries expire, because otherwise
            // they would be kept until the clock has caught up.
            if self.live > 0 {
                self.removed_until = self.latest;
            }
            (0..length).for_each(|second| self.expire(second));
            self.swept = passed;
        }
        let last = passed.min(self.swept.saturating_add(length));
        while self.swept < last {
            self.swept += 1;
            self.expire(self.swept);
        }
        self.swept = self.swept.max(passed); // More seconds may have passed than the ring has buckets.
    }

    fn expire(&mut self, second: u64) {
        let bucket = self.bucket(second);
        let Bucket { first, last, count } = std::mem::take(&mut self.buckets[bucket]);
        if first == 0 {
            return;
        }
        self.removed_until = self.removed_until.max(second.min(self.latest));
        self.entries[last as usize - 1].next_in_bucket = self.expired;
        self.expired = first;
        self.live -= count;
        self.expired_count += count;
    }

    /// Frees one expired entry. There must be one.
    fn release(&mut self) {
        let link = self.expired;
        let entry = self.entries[link as usize - 1];
        self.unchain(link, entry);
        self.entries[link as usize - 1].next = self.free;
        self.free = link;
        self.expired = entry.next_in_bucket;
        self.expired_count -= 1;
    }

    fn unchain(&mut self, link: Link, entry: Entry) {
        let chain = self.chain(entry.digest);
        let mut at = self.chains[chain];
        if at == link {
            self.chains[chain] = entry.next;
            return;
        }
        while at != 0 {
            let other = &mut self.entries[at as usize - 1];
            if other.next == link {
                other.next = entry.next;
                return;
            }
            at = other.next;
        }
    }

    fn contains(&self, digest: [u32; 4]) -> bool {
        let mut link = self.chains[self.chain(digest)];
        while link != 0 {
            let entry = &self.entries[link as usize - 1];
            if entry.digest == digest {
                return true;
            }
            link = entry.next;
        }
        false
    }

    /// Adds an entry. The caller has checked that fewer than `capacity` entries are live.
    fn push(&mut self, digest: [u32; 4], second: u64) {
        if self.free == 0 && self.entries.len() as u32 == self.capacity {
            self.release();
        }
        let (chain, bucket) = (self.chain(digest), self.bucket(second));
        let entry = Entry {
            digest,
            next: self.chains[chain],
            next_in_bucket: self.buckets[bucket].first,
        };
        let link = if self.free == 0 {
            self.entries.push(entry);
            self.entries.len() as Link
        } else {
            let link = self.free;
            let slot = &mut self.entries[link as usize - 1];
            self.free = slot.next;
            *slot = entry;
            link
        };
        self.chains[chain] = link;
        let bucket = &mut self.buckets[bucket];
        if bucket.first == 0 {
            bucket.last = link;
        }
        bucket.first = link;
        bucket.count += 1;
        self.live += 1;
    }

    fn chain(&self, digest: [u32; 4]) -> usize {
        digest[0] as usize & (self.chains.len() - 1)
    }

    fn bucket(&self, second: u64) -> usize {
        (second % self.buckets.len() as u64) as usize
    }
}

fn quarters(digest: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| (digest >> shift) as u32)
}

/// The maximum number of entries that one call frees. It is more than one, so that entries are freed faster
/// than they are added, and small enough that a call takes microseconds.
const MAX_FREED: u32 = 256;

#[cfg(test)]
mod tests;
