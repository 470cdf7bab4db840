//! The entries that are asked for all the time, each in the one seat that its digest names: a
//! look-up here is a load and a comparison.
//!
//! A seat keeps nobody alive: what the cache lets go leaves here once nobody uses it. What sits
//! here is asked whether it still holds, as anything remembered is.

use std::{
    cell::Cell,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwapWeak;

use super::{Digest, Entry};
use crate::crypto::xorshift;

pub(super) struct Front<K>(Box<[ArcSwapWeak<Entry<K>>]>);

impl<K> Front<K> {
    /// For a cache of so many entries, at least one.
    pub(super) fn new(entries: u64) -> Self {
        let seats = 1 << entries.clamp(1, MOST_SEATS).ilog2();
        Self((0..seats).map(|_| ArcSwapWeak::new(Weak::new())).collect())
    }

    pub(super) fn find(&self, digest: Digest) -> Option<Arc<Entry<K>>> {
        let entry = self.seat(digest).load().upgrade()?;
        (entry.digest == digest).then_some(entry)
    }

    /// `entry` was asked for. Who sits there gives way to some only: two who are asked for in turns
    /// shall not take each other's seat every time.
    pub(super) fn offer(&self, entry: &Arc<Entry<K>>) {
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

    pub(super) fn forget(&self, digest: Digest) {
        self.forget_if(self.seat(digest), |entry| entry.digest == digest);
    }

    pub(super) fn forget_all(&self, is_gone: impl Fn(&K) -> bool) {
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
pub(super) fn one_in(power_of_two: u64) -> bool {
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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{time::Now, token::tests::verified};

    /// Of a digest that names a seat of its own, where there are enough.
    fn entry(name: u8) -> Arc<Entry<u8>> {
        let mut digest = [0; 16];
        digest[0] = name;
        Arc::new(Entry {
            token: verified(),
            proof: name,
            digest: Digest(digest),
            until: Now::read().plus(Duration::from_secs(60)),
        })
    }

    fn finds(front: &Front<u8>, entry: &Entry<u8>) -> bool {
        let found = front.find(entry.digest);
        found.is_some_and(|found| found.proof == entry.proof)
    }

    #[test]
    fn a_seat_answers_for_its_own_digest_only() {
        let front = Front::new(1);
        let [one, other] = [entry(1), entry(2)];
        assert!(!finds(&front, &one));
        front.offer(&one);
        assert!(front.find(other.digest).is_none());
        front.forget(other.digest);
        assert!(finds(&front, &one));
        front.forget(one.digest);
        assert!(!finds(&front, &one));
    }

    #[test]
    fn a_seat_keeps_nothing_in_memory() {
        let front = Front::new(1);
        let (one, other) = (entry(1), entry(2));
        front.offer(&one);
        let digest = one.digest;
        assert_eq!(Arc::strong_count(&one), 1);
        drop(one);
        assert!(front.find(digest).is_none());
        front.offer(&other);
        assert!(finds(&front, &other), "an empty seat is taken at once");
    }

    #[test]
    fn who_is_asked_for_long_enough_gets_the_seat() {
        let front = Front::new(1);
        let [one, other] = [entry(1), entry(2)];
        front.offer(&one);
        let offers = (1..1_000).find(|_| {
            front.offer(&other);
            finds(&front, &other)
        });
        // The odds of any other outcome: one in 10^57.
        assert!(offers.is_some());
        assert!(!finds(&front, &one));
    }

    #[test]
    fn who_sits_there_gives_way_to_some_only() {
        let [one, other] = [entry(1), entry(2)];
        let at_once = |_: &u32| {
            let front = Front::new(1);
            front.offer(&one);
            front.offer(&other);
            finds(&front, &other)
        };
        // 1,250 of them on average.
        let count = (0..10_000).filter(at_once).count();
        assert!((800..1_800).contains(&count), "{count}");
    }

    #[test]
    fn a_new_entry_of_the_same_token_takes_its_place_at_once() {
        let front = Front::new(1);
        let (old, mut new) = (entry(1), entry(1));
        Arc::get_mut(&mut new).unwrap().proof = 2;
        front.offer(&old);
        front.offer(&new);
        assert!(finds(&front, &new));
    }

    #[test]
    fn all_that_are_gone_leave() {
        let front = Front::new(1_000_000);
        assert_eq!(front.0.len() as u64, MOST_SEATS);
        assert_eq!(Front::<u8>::new(100).0.len(), 64, "no more than entries");
        let entries: Vec<_> = (0..100).map(entry).collect();
        entries.iter().for_each(|entry| front.offer(entry));
        assert!(entries.iter().all(|entry| finds(&front, entry)));
        front.forget_all(|name| *name >= 10);
        let left = entries.iter().filter(|entry| finds(&front, entry));
        assert_eq!(left.map(|entry| entry.proof).max(), Some(9));
    }

    #[test]
    fn one_in_so_many_is_chosen() {
        let chosen = (0..10_000).filter(|_| one_in(16)).count();
        assert!((400..900).contains(&chosen), "{chosen}");
        assert!((0..100).all(|_| one_in(1)));
    }
}
