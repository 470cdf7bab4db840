use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};

use super::{Slots, Verdict};

const NOW: u64 = 1_700_000_000;
const WINDOW: u64 = 90;

// conformance 170
#[test]
fn memory_is_laid_out_once_and_measured() {
    let capacity = 100_000;
    let mut slots = Slots::new(capacity, WINDOW);
    let bytes = |slots: &Slots| {
        slots.entries.capacity() * size_of::<super::Entry>()
            + (slots.chains.len() + slots.buckets.len()) * size_of::<super::Link>()
            + slots.callers.iter().map(|row| row.len() * 4).sum::<usize>()
    };
    let (before, place) = (bytes(&slots), slots.entries.as_ptr());
    // 28 for an entry, about 5 for its chain, and the callers.
    assert!(
        before <= 34 * capacity as usize + (1 << 19) + 1024,
        "{before}"
    );
    for round in 0..3 {
        let now = NOW + round * 200;
        for number in 0..capacity {
            let digest = u128::from(round) << 64 | u128::from(number);
            let until = now + u64::from(number) % 60;
            let verdict = slots.insert(digest, number, until.max(now), now);
            assert_eq!(verdict, Verdict::First);
        }
        assert_eq!(slots.insert(1 << 120, 7, now + 60, now), Verdict::Full);
    }
    assert_eq!((bytes(&slots), slots.entries.as_ptr()), (before, place));
}

// conformance 170
#[test]
fn a_clock_that_is_set_back_lets_nothing_in_twice() {
    let mut slots = Slots::new(100, WINDOW);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    // An hour ahead all is forgotten; back again, the old one is still refused, as is what
    // cannot be told from it, and what is younger passes.
    assert_eq!(slots.insert(2, 1, NOW + 3660, NOW + 3600), Verdict::First);
    for until in [NOW + 1, NOW + 60, NOW + 3660] {
        assert_eq!(slots.insert(1, 1, until, NOW + 1), Verdict::Seen);
    }
    let mut slots = Slots::new(100, WINDOW);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    // Ahead without proofs, as callers' clocks stay right: only the old window is lost.
    slots.sweep(NOW + 3600);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW + 5), Verdict::Seen);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 5), Verdict::First);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 6), Verdict::Seen);
    // A broken clock, and its repair.
    slots.sweep(u64::MAX);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 7), Verdict::Seen);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), Verdict::First);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), Verdict::Seen);
}

#[test]
fn a_clock_that_is_set_back_a_little_keeps_all_the_longer() {
    let mut slots = Slots::new(100, WINDOW);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    slots.sweep(NOW + 50);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW - 20), Verdict::Seen);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW - 20), Verdict::First);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW + 40), Verdict::Seen);
}

#[test]
fn what_is_out_of_reach_is_refused() {
    let mut slots = Slots::new(100, WINDOW);
    let verdict = slots.insert(1, 1, NOW + 1000, NOW);
    assert_eq!(verdict, Verdict::Full);
    assert_eq!(slots.insert(1, 1, u64::MAX, NOW), Verdict::Full);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // conformance 170, 171
    #[test]
    fn slots_answer_as_a_map_would(
        steps in vec((0..3_u64, 0..40_u128, 0..6_u32, 0..60_u64), 1..400),
        capacity in 1..60_u32,
    ) {
        let mut slots = Slots::new(capacity, WINDOW);
        let mut model: HashMap<u128, (u32, u64)> = HashMap::new();
        let mut now = NOW;
        for (passed, digest, caller, ahead) in steps {
            now += passed * passed * 5;
            let until = now + ahead;
            // Digests that share a chain, and callers that share no counter.
            let (digest, caller) = (digest << 64, caller * 0x0001_0001);
            model.retain(|_, (_, until)| *until >= now);
            let mine = model.values().filter(|(other, _)| *other == caller).count();
            let expected = if model.contains_key(&digest) {
                Verdict::Seen
            } else if model.len() >= capacity as usize || mine >= (capacity as usize / 10).max(1) {
                Verdict::Full
            } else {
                model.insert(digest, (caller, until));
                Verdict::First
            };
            prop_assert_eq!(slots.insert(digest, caller, until, now), expected);
            prop_assert_eq!(slots.live as usize, model.len());
        }
    }
}
