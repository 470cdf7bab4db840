use std::collections::{HashMap, HashSet};

use proptest::{collection::vec, prelude::*};

use super::{Slots, Verdict};

const NOW: u64 = 1_700_000_000;
const WINDOW: u64 = 90;

/// A tenth for each caller.
fn tenths(capacity: u32) -> Slots {
    Slots::new(capacity, (capacity / 10).max(1), WINDOW)
}

// conformance 170
#[test]
fn memory_is_laid_out_once_and_measured() {
    let capacity = 100_000;
    let mut slots = tenths(capacity);
    let bytes = |slots: &Slots| {
        slots.entries.capacity() * size_of::<super::Entry>()
            + slots.chains.len() * size_of::<super::Link>()
            + slots.buckets.len() * size_of::<super::Bucket>()
    };
    let (before, place) = (bytes(&slots), slots.entries.as_ptr());
    // 24 for an entry, about 5 for its chain, and the buckets.
    assert!(before <= 30 * capacity as usize + 2048, "{before}");
    // A million proofs.
    for round in 0..10 {
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
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    // An hour ahead all is forgotten; back again, the old one is still refused, as is what
    // cannot be told from it, and what is younger passes.
    assert_eq!(slots.insert(2, 1, NOW + 3660, NOW + 3600), Verdict::First);
    for until in [NOW + 1, NOW + 60, NOW + 3660] {
        assert_eq!(slots.insert(1, 1, until, NOW + 1), Verdict::Full);
    }
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    // Ahead without proofs, as callers' clocks stay right: only the old window is lost.
    slots.sweep(NOW + 3600);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW + 5), Verdict::Full);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 5), Verdict::First);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 6), Verdict::Seen);
    // A broken clock, and its repair.
    slots.sweep(u64::MAX);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 7), Verdict::Full);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), Verdict::First);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), Verdict::Seen);
}

#[test]
fn a_clock_that_is_set_back_a_little_keeps_all_the_longer() {
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), Verdict::First);
    slots.sweep(NOW + 50);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW - 20), Verdict::Seen);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW - 20), Verdict::First);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW + 40), Verdict::Seen);
}

#[test]
fn what_is_out_of_reach_is_refused() {
    let mut slots = tenths(100);
    let verdict = slots.insert(1, 1, NOW + 1000, NOW);
    assert_eq!(verdict, Verdict::Full);
    assert_eq!(slots.insert(1, 1, u64::MAX, NOW), Verdict::Full);
}

// conformance 170
#[test]
fn a_call_frees_few_and_what_waits_to_be_freed_counts_no_more() {
    let capacity = 10_000;
    let mut slots = tenths(capacity);
    for number in 0..capacity {
        // Of ten callers, who all have their share.
        let caller = number % 10 * 0x0001_0001;
        let verdict = slots.insert(u128::from(number), caller, NOW + 60, NOW);
        assert_eq!(verdict, Verdict::First);
    }
    assert_eq!(slots.insert(1 << 80, 0, NOW + 61, NOW), Verdict::Full);
    // Later than the last one of them all, and in the next time slice of the callers' shares,
    // whatever the call is answered.
    let now = NOW + 64;
    assert_eq!(slots.insert(0, 0, NOW + 60, now), Verdict::Full);
    assert_eq!((slots.live, slots.waiting), (0, capacity - 256));
    // There is room for all ten at once, although most of what they had is not yet freed.
    let mut waiting = slots.waiting;
    for number in 0..capacity {
        let caller = number % 10 * 0x0001_0001;
        let digest = (1 << 81) + u128::from(number);
        let verdict = slots.insert(digest, caller, now + 60, now);
        assert_eq!((verdict, slots.live), (Verdict::First, number + 1));
        assert!(slots.waiting + 256 >= waiting, "{number}");
        waiting = slots.waiting;
    }
    assert_eq!((slots.waiting, slots.entries.len()), (0, capacity as usize));
    for caller in 0..11 {
        let verdict = slots.insert(1 << 82, caller * 0x0001_0001, now + 61, now);
        assert_eq!(verdict, Verdict::Full);
    }
}

// conformance 170
#[test]
fn a_slot_is_taken_from_those_that_wait_when_no_other_is_left() {
    let mut slots = tenths(100);
    slots.at_once = 0;
    for round in 0..3 {
        let now = NOW + round * 61;
        for number in 0..100 {
            let digest = u128::from(round) << 64 | u128::from(number);
            let verdict = slots.insert(digest, number * 0x0001_0001, now + 60, now);
            assert_eq!(verdict, Verdict::First, "{round} {number}");
        }
        assert_eq!((slots.live, slots.waiting), (100, 0));
        assert_eq!(slots.entries.len(), 100);
    }
}

#[test]
fn replay_share_is_kept_while_others_are_freed() {
    let mut slots = tenths(1000);
    slots.at_once = 8;
    // A second's worth of others is freed while one caller floods.
    for number in 0..400 {
        let verdict = slots.insert(number, number as u32 * 0x0001_0001, NOW + 1, NOW);
        assert_eq!(verdict, Verdict::First);
    }
    let mut first = 0;
    for number in 1000..2000 {
        let verdict = slots.insert(number, 0xFFFF_FFFF, NOW + 60, NOW + 2);
        first += u32::from(verdict == Verdict::First);
    }
    assert_eq!(first, 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // conformance 170, 171
    #[test]
    fn slots_answer_as_a_map_would(
        steps in vec((0..3_u64, 0..40_u128, 0..6_u32, 0..60_u64), 1..400),
        capacity in 1..60_u32,
        at_once in prop_oneof![Just(super::AT_ONCE), 0..4_u32],
    ) {
        let mut slots = tenths(capacity);
        slots.at_once = at_once;
        let mut model: HashMap<u128, u64> = HashMap::new();
        // Who used up a share, until when.
        let mut counted: Vec<(u32, u64)> = Vec::new();
        let width = (WINDOW + 2).div_ceil(6);
        let mut waiting = 0;
        let mut now = NOW;
        for (passed, digest, caller, ahead) in steps {
            now += passed * passed * 5;
            let until = now + ahead;
            // Digests that share a chain, and callers that share no counter.
            let (digest, caller) = (digest << 64, caller * 0x0001_0001);
            let before = model.len();
            model.retain(|_, until| *until >= now);
            counted.retain(|(_, until)| until / width >= now / width);
            waiting += before - model.len();
            waiting -= waiting.min(at_once as usize);
            let mine = counted.iter().filter(|(other, _)| *other == caller).count();
            let verdict = slots.insert(digest, caller, until, now);
            let (full, share) = (model.len() >= capacity as usize, (capacity as usize / 10).max(1));
            match verdict {
                // What has expired may be told for longer, until it is freed.
                Verdict::Seen => prop_assert!(model.contains_key(&digest) || waiting > 0),
                // Because of live ones only.
                Verdict::Full => prop_assert!(full || mine >= share),
                Verdict::First => {
                    prop_assert!(!full && !model.contains_key(&digest));
                    prop_assert!(mine < share);
                    waiting -= usize::from(model.len() + waiting == capacity as usize);
                    model.insert(digest, until);
                    counted.push((caller, until));
                }
            }
            prop_assert_eq!(slots.live as usize, model.len());
            prop_assert_eq!(slots.waiting as usize, waiting);
            prop_assert!(slots.entries.len() <= capacity as usize);
        }
    }

    // conformance 170, 171
    #[test]
    fn no_clock_lets_a_proof_in_twice(
        // How far the clock goes, and whether back; which proof is sent, of what age.
        steps in vec((0..200_u64, any::<bool>(), 0..30_u64, 0..=WINDOW), 1..400),
        capacity in 5..60_u32,
        at_once in prop_oneof![Just(super::AT_ONCE), 0..4_u32],
    ) {
        let mut slots = tenths(capacity);
        slots.at_once = at_once;
        let mut now = NOW;
        // A proof says when it was made: its last second is its own, whatever our clock says.
        let mut proofs: HashMap<u64, u64> = HashMap::new();
        let mut first = HashSet::new();
        for (moves, back, number, age) in steps {
            // Mostly a little.
            let moves = if moves > 20 { moves / 50 } else { moves * moves };
            now = if back { now - moves } else { now + moves };
            let until = *proofs.entry(number).or_insert(now + WINDOW - age);
            if (now..=now + WINDOW).contains(&until)
                && slots.insert(u128::from(number), 7, until, now) == Verdict::First
            {
                prop_assert!(first.insert(number), "{} passed twice", number);
            }
        }
    }
}
