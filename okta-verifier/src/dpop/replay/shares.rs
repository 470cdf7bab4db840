//! Counts the stored proofs of each caller in time slices. The memory is allocated once and has no entry per
//! proof or per caller.

use crate::crypto::Fingerprints;

/// Counts the proofs of each caller for as long as the store keeps them, and limits each caller to the same
/// share.
///
/// This is a count-min sketch. A keyed fingerprint selects one counter per row for each caller, and the
/// smaller of the two values is used. Two callers with only one counter in common do not affect each other.
/// If ten callers have used up their shares, the probability that another caller has both counters in
/// common with some of them is 1 in 10 million.
///
/// A proof counts until the end of the time slice in which the store removes it. It therefore counts for at
/// least as long as it is stored, and longer by at most a sixth of the longest storage time.
pub(super) struct Shares {
    rows: [Box<[Counter]>; 2],
    /// The number of proofs of one caller that may be stored at the same time.
    share: u32,
    /// The length of a time slice, in seconds.
    width: u64,
}

/// A ring of time slices, which begins with the slice `first`. Each slice has the number of proofs whose
/// storage time ends in it.
#[derive(Clone, Copy, Default)]
struct Counter {
    first: u32,
    counts: [u32; SLICES],
}

/// A proof that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    caller: u32,
    /// The slice in which each row counts the proof.
    slices: [u32; 2],
}

impl Shares {
    /// Creates the counters without any proof. `share` is the number of proofs that one caller may have.
    /// `longest` is the longest time for which a proof is stored, in seconds.
    pub(super) fn new(share: u32, longest: u64) -> Self {
        Self {
            rows: [(); 2].map(|()| vec![Counter::default(); PLACES].into_boxed_slice()),
            share,
            width: longest.div_ceil(LAST.into()).max(1),
        }
    }

    /// Counts a proof that is stored from `now` until `end`, both in seconds. Returns `None` if the caller
    /// has used up its share.
    pub(super) fn take(&mut self, caller: u32, end: u64, now: u64) -> Option<Counted> {
        let (now, end, share) = (self.slice(now), self.slice(end), self.share);
        let [one, other] = self.counters(caller).map(|counter| {
            counter.remove_before(now);
            counter
        });
        if one.total().min(other.total()) >= share.into() {
            return None;
        }
        let slices = [one, other].map(|counter| counter.add(end));
        Some(Counted { caller, slices })
    }

    /// Removes the count of a proof that is not stored after all.
    pub(super) fn give_back(&mut self, counted: Counted) {
        for (counter, slice) in self
            .counters(counted.caller)
            .into_iter()
            .zip(counted.slices)
        {
            counter.remove(slice);
        }
    }

    fn counters(&mut self, caller: u32) -> [&mut Counter; 2] {
        let [one, other] = &mut self.rows;
        let place = |bits: u32| bits as usize % PLACES;
        [&mut one[place(caller)], &mut other[place(caller >> 16)]]
    }

    /// Returns the number of the slice that contains a second. All numbers that do not fit in a `u32`,
    /// which occur in the year 2106 at the earliest, become `u32::MAX`.
    fn slice(&self, second: u64) -> u32 {
        u32::try_from(second / self.width).unwrap_or(u32::MAX)
    }
}

impl Counter {
    /// Removes the slices that have passed.
    fn remove_before(&mut self, now: u32) {
        let all_passed = now > self.last();
        // If the clock was set back by more than the ring covers, the old counts are removed. Otherwise
        // they would block their callers until the clock has caught up.
        let set_back = self.first > now.saturating_add(LAST);
        if all_passed || set_back {
            *self = Self::default();
            self.first = now;
        }
        while self.first < now {
            self.counts[place(self.first)] = 0;
            self.first += 1;
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// Adds a proof and returns the slice that counts it. If the clock was set back a little, this is the
    /// first slice.
    fn add(&mut self, slice: u32) -> u32 {
        let slice = slice.clamp(self.first, self.last());
        let count = &mut self.counts[place(slice)];
        *count = count.saturating_add(1);
        slice
    }

    fn remove(&mut self, slice: u32) {
        if (self.first..=self.last()).contains(&slice) {
            let count = &mut self.counts[place(slice)];
            *count = count.saturating_sub(1);
        }
    }

    fn last(&self) -> u32 {
        self.first.saturating_add(LAST)
    }
}

fn place(slice: u32) -> usize {
    slice as usize % SLICES
}

/// Returns the number that selects the counters of a caller (issuer, client, subject), or `None` if it
/// cannot be computed. The number is a keyed fingerprint, so no caller can choose names that select the
/// counters of another caller.
pub(super) fn caller_number(fingerprints: &Fingerprints, caller: [&str; 3]) -> Option<u32> {
    let [a, b, c, d, ..] = fingerprints.of_all(&caller)?;
    Some(u32::from_ne_bytes([a, b, c, d]))
}

/// The number of counters in each row. Both rows together take 2 MB.
const PLACES: usize = 1 << 15;
/// The distance between the first and the last slice.
const LAST: u32 = 6;
const SLICES: usize = LAST as usize + 1;

#[cfg(test)]
mod tests;
