//! Digests in time buckets, in memory that is laid out once: a request allocates nothing, and
//! costs the same however many are remembered.

/// A table of digests. Each is in a chain by its value, to be found, and in the bucket of its
/// last second, to be forgotten with it.
pub(super) struct Slots {
    /// The first entry of each chain, by the digest's low bits.
    chains: Box<[Link]>,
    /// The first entry of each second, around.
    buckets: Box<[Link]>,
    /// Never more than `capacity`, which it has room for from the start.
    entries: Vec<Entry>,
    /// Entries to be used again, chained by `next`.
    free: Link,
    live: u32,
    /// How many a caller has, twice: at two places, the smaller one counts. At most ten callers
    /// are near their share; that another one meets some of them at both is 1 in 40 million.
    callers: [Box<[u32]>; 2],
    capacity: u32,
    share: u32,
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
    /// In halves of halves: without padding.
    digest: [u32; 4],
    caller: u32,
    next: Link,
    next_in_bucket: Link,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    First,
    Seen,
    /// No room in all, or none for this caller.
    Full,
}

impl Slots {
    /// `window` is the longest time between now and an entry's last second.
    pub(super) fn new(capacity: u32, window: u64) -> Self {
        let seconds = usize::try_from(window).unwrap_or(0).saturating_add(2);
        let chains = (capacity as usize).next_power_of_two();
        Self {
            chains: vec![0; chains].into_boxed_slice(),
            buckets: vec![0; seconds].into_boxed_slice(),
            entries: Vec::with_capacity(capacity as usize),
            free: 0,
            live: 0,
            callers: [(); 2].map(|()| vec![0; 1 << 16].into_boxed_slice()),
            capacity,
            share: (capacity / 10).max(1),
            swept: 0,
            latest: 0,
            forgotten: 0,
        }
    }

    /// `until` is the last second in which the same proof would pass again.
    pub(super) fn insert(&mut self, digest: u128, caller: u32, until: u64, now: u64) -> Verdict {
        self.sweep(now);
        // Only where the clock was set back.
        if until <= self.forgotten {
            return Verdict::Seen;
        }
        let digest = halves(digest);
        if self.contains(digest) {
            return Verdict::Seen;
        }
        // A clock that was set back a little is waited for, and all is kept the longer.
        let second = until.max(self.swept.saturating_add(1));
        let in_reach = second - self.swept <= self.buckets.len() as u64;
        if !in_reach || self.live >= self.capacity || self.count(caller) >= self.share {
            return Verdict::Full;
        }
        self.push(digest, caller, second);
        self.latest = self.latest.max(until);
        Verdict::First
    }

    /// Forgets what could not pass any more.
    fn sweep(&mut self, now: u64) {
        let around = self.buckets.len() as u64;
        let passed = now.saturating_sub(1);
        if passed >= self.swept.saturating_add(around)
            || self.swept >= passed.saturating_add(around)
        {
            self.clear();
            self.swept = passed;
        }
        while self.swept < passed {
            self.swept += 1;
            self.drain();
        }
    }

    /// The clock has gone around, or far back.
    fn clear(&mut self) {
        if self.live > 0 {
            self.forgotten = self.latest;
            self.chains.fill(0);
            self.buckets.fill(0);
            for counters in &mut self.callers {
                counters.fill(0);
            }
        }
        self.entries.clear();
        (self.free, self.live) = (0, 0);
    }

    /// The bucket of the second that has just been swept.
    fn drain(&mut self) {
        let bucket = self.bucket(self.swept);
        let mut link = std::mem::take(&mut self.buckets[bucket]);
        if link != 0 {
            self.forgotten = self.forgotten.max(self.swept.min(self.latest));
        }
        while link != 0 {
            let entry = self.entries[link as usize - 1];
            self.unchain(link, entry);
            for (counters, place) in self.callers.iter_mut().zip(places(entry.caller)) {
                counters[place] -= 1;
            }
            self.entries[link as usize - 1].next = self.free;
            self.free = link;
            self.live -= 1;
            link = entry.next_in_bucket;
        }
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

    fn push(&mut self, digest: [u32; 4], caller: u32, second: u64) {
        let (chain, bucket) = (self.chain(digest), self.bucket(second));
        let entry = Entry {
            digest,
            caller,
            next: self.chains[chain],
            next_in_bucket: self.buckets[bucket],
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
        self.buckets[bucket] = link;
        for (counters, place) in self.callers.iter_mut().zip(places(caller)) {
            counters[place] += 1;
        }
        self.live += 1;
    }

    /// Never less than the caller has.
    fn count(&self, caller: u32) -> u32 {
        let [one, other] = places(caller);
        self.callers[0][one].min(self.callers[1][other])
    }

    fn chain(&self, digest: [u32; 4]) -> usize {
        digest[0] as usize & (self.chains.len() - 1)
    }

    fn bucket(&self, second: u64) -> usize {
        (second % self.buckets.len() as u64) as usize
    }
}

fn halves(digest: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| (digest >> shift) as u32)
}

fn places(caller: u32) -> [usize; 2] {
    [(caller & 0xFFFF) as usize, (caller >> 16) as usize]
}

#[cfg(test)]
mod tests;
