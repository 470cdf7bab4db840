//! Digests in time buckets, in memory that is laid out once: a request allocates nothing, and
//! costs the same however many are remembered.

use super::shares::Shares;

/// A table of digests. Each is in a chain by its value, to be found, and in the bucket of its
/// last second, to be forgotten with it.
///
/// A second that has passed is over at once: its bucket as a whole is hung on the expired ones,
/// which no longer count. Each call frees some of them, so that none pays for all.
pub(super) struct Slots {
    /// The first entry of each chain, by the digest's low bits.
    chains: Box<[Link]>,
    /// Each second's, around.
    buckets: Box<[Bucket]>,
    /// Never more than `capacity`, which it has room for from the start.
    entries: Vec<Entry>,
    /// Entries to be used again, chained by `next`.
    free: Link,
    /// Entries of seconds that have passed, chained by `next_in_bucket`, to be freed.
    expired: Link,
    /// How many of them there are.
    waiting: u32,
    /// All others.
    live: u32,
    /// How many each caller has.
    shares: Shares,
    capacity: u32,
    /// How many entries a call frees at most.
    at_once: u32,
    /// Buckets up to this second are empty.
    swept: u64,
    /// The latest `until` of all that was ever remembered.
    latest: u64,
    /// No proof with an `until` up to here is let in: it may be among the forgotten.
    forgotten: u64,
}

/// An entry's index plus one; 0 is none, so that fresh memory need not be written.
type Link = u32;

#[derive(Clone, Copy)]
struct Entry {
    /// Four `u32` instead of one `u128`, to avoid alignment padding.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    First,
    Seen,
    /// No room in all, or none for this caller.
    Full,
}

impl Slots {
    /// `share` is how many entries one caller may have, `window` the longest time between now and an
    /// entry's last second.
    pub(super) fn new(capacity: u32, share: u32, window: u64) -> Self {
        let seconds = usize::try_from(window).unwrap_or(0).saturating_add(2);
        let chains = (capacity as usize).next_power_of_two();
        Self {
            chains: vec![0; chains].into_boxed_slice(),
            buckets: vec![Bucket::default(); seconds].into_boxed_slice(),
            entries: Vec::with_capacity(capacity as usize),
            free: 0,
            expired: 0,
            waiting: 0,
            live: 0,
            shares: Shares::new(share, seconds as u64),
            capacity,
            at_once: AT_ONCE,
            swept: 0,
            latest: 0,
            forgotten: 0,
        }
    }

    /// `until` is the last second in which the same proof would pass again.
    pub(super) fn insert(&mut self, digest: u128, caller: u32, until: u64, now: u64) -> Verdict {
        self.sweep(now);
        for _ in 0..self.at_once.min(self.waiting) {
            self.release();
        }
        // Only where the clock was set back.
        if until <= self.forgotten {
            return Verdict::Full; // nobody can tell whether it is the first
        }
        let digest = quarters(digest);
        if self.contains(digest) {
            return Verdict::Seen;
        }
        // A clock that was set back a little is waited for, and all is kept the longer.
        let second = until.max(self.swept.saturating_add(1));
        let in_reach = second - self.swept <= self.buckets.len() as u64;
        if !in_reach || self.live >= self.capacity {
            return Verdict::Full;
        }
        if self.shares.take(caller, second, now).is_none() {
            return Verdict::Full;
        }
        self.push(digest, second);
        self.latest = self.latest.max(until);
        Verdict::First
    }

    /// Ends the seconds that have passed: what is in them could not pass any more.
    fn sweep(&mut self, now: u64) {
        let around = self.buckets.len() as u64;
        let passed = now.saturating_sub(1);
        if self.swept >= passed.saturating_add(around) {
            // The clock was set far back, and no second can be waited for.
            if self.live > 0 {
                self.forgotten = self.latest;
            }
            (0..around).for_each(|second| self.expire(second));
            self.swept = passed;
        }
        let last = passed.min(self.swept.saturating_add(around));
        while self.swept < last {
            self.swept += 1;
            self.expire(self.swept);
        }
        self.swept = self.swept.max(passed); // more than once around
    }

    fn expire(&mut self, second: u64) {
        let bucket = self.bucket(second);
        let Bucket { first, last, count } = std::mem::take(&mut self.buckets[bucket]);
        if first == 0 {
            return;
        }
        self.forgotten = self.forgotten.max(second.min(self.latest));
        self.entries[last as usize - 1].next_in_bucket = self.expired;
        self.expired = first;
        self.live -= count;
        self.waiting += count;
    }

    /// Frees one of the expired entries; there is one.
    fn release(&mut self) {
        let link = self.expired;
        let entry = self.entries[link as usize - 1];
        self.unchain(link, entry);
        self.entries[link as usize - 1].next = self.free;
        self.free = link;
        self.expired = entry.next_in_bucket;
        self.waiting -= 1;
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

    /// There is room: fewer than `capacity` are live.
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

/// More than one, so that the expired ones go faster than others come; so few that it takes
/// microseconds.
const AT_ONCE: u32 = 256;

#[cfg(test)]
mod tests;
