//! Counts the stored proofs of each caller in time slices. The memory is allocated once and has no entry per
//! proof or per caller.

use crate::crypto::Fingerprints;

/// Counts the proofs of each caller for as long as the store keeps them, and gives each caller an
/// equal share.
///
/// A caller has two counters, at places that a keyed fingerprint chooses, and the smaller one counts.
/// Two callers that share one counter do not affect each other. If ten callers have used up their shares,
/// another caller shares both counters with some of them with a probability of 1 in 10 million.
///
/// A proof counts until the end of the time slice in which the store removes it: never for a shorter time
/// than it is stored, and at most for a sixth of the longest time longer.
pub(super) struct Shares {
    rows: [Box<[Counter]>; 2],
    /// The number of proofs of one caller that may be stored at the same time.
    share: u32,
    /// The length of a time slice, in seconds.
    width: u64,
}

/// A ring with the number of proofs that end in each of the time slices from `first` on.
#[derive(Clone, Copy, Default)]
struct Counter {
    first: u32,
    counts: [u32; SLICES],
}

/// A proof that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    caller: u32,
    /// The slice that counts it, in each row.
    slices: [u32; 2],
}

impl Shares {
    /// `longest` is the longest time for which a proof is stored, in seconds.
    pub(super) fn new(share: u32, longest: u64) -> Self {
        Self {
            rows: [(); 2].map(|()| vec![Counter::default(); PLACES].into_boxed_slice()),
            share,
            width: longest.div_ceil(LAST.into()).max(1),
        }
    }

    /// Counts a proof that is stored from the second `now` to the second `end`. Returns `None` if the caller
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

    /// Returns the number of the slice that contains a second. Numbers that do not fit, from the year 2106 on
    /// at the earliest, become that of the last slice.
    fn slice(&self, second: u64) -> u32 {
        u32::try_from(second / self.width).unwrap_or(u32::MAX)
    }
}

impl Counter {
    /// Removes the slices that have passed.
    fn remove_before(&mut self, now: u32) {
        let all_passed = now > self.last();
        // The clock was set back by more than the time for which a proof is stored. The old counts have no
        // slice any more, and must not block their callers until the clock has caught up.
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

    /// Returns the slice that counts the proof. After the clock was set back a little, it is the first one.
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

/// The number by which a caller (issuer, client, subject) is counted. It is computed under a key of the
/// store, so no caller can choose names that share the counters of another one.
pub(super) fn caller_number(fingerprints: &Fingerprints, caller: [&str; 3]) -> Option<u32> {
    let [a, b, c, d, ..] = fingerprints.of_all(&caller)?;
    Some(u32::from_ne_bytes([a, b, c, d]))
}

/// Counters in each row: 2 MB in both.
const PLACES: usize = 1 << 15;
/// How far the last slice is from the first.
const LAST: u32 = 6;
const SLICES: usize = LAST as usize + 1;

#[cfg(test)]
mod tests;
