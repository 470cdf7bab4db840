//! Slots: expiry, changes of the clock, and agreement with a model that uses a map.

use std::collections::{HashMap, HashSet};

use proptest::{collection::vec, prelude::*};

use super::{Slots, UseResult};

const NOW: u64 = 1_700_000_000;
const WINDOW: u64 = 90;

/// Each caller has a tenth of the capacity.
fn tenths(capacity: u32) -> Slots {
    Slots::new(capacity, (capacity / 10).max(1), WINDOW)
}

// conformance 170
#[test]
fn replay_memory_is_allocated_once() {
    let capacity = 100_000;
    let mut slots = tenths(capacity);
    let bytes = |slots: &Slots| {
        slots.entries.capacity() * size_of::<super::Entry>()
            + slots.chains.len() * size_of::<super::Link>()
            + slots.buckets.len() * size_of::<super::Bucket>()
    };
    let (before, place) = (bytes(&slots), slots.entries.as_ptr());
    // 24 bytes for an entry, about 5 bytes for its chain, and the buckets.
    assert!(before <= 30 * capacity as usize + 2048, "{before}");
    // A million proofs.
    for round in 0..10 {
        let now = NOW + round * 200;
        for number in 0..capacity {
            let digest = u128::from(round) << 64 | u128::from(number);
            let until = now + u64::from(number) % 60;
            let result = slots.insert(digest, number, until.max(now), now);
            assert_eq!(result, UseResult::First);
        }
        assert_eq!(slots.insert(1 << 120, 7, now + 60, now), UseResult::Full);
    }
    assert_eq!((bytes(&slots), slots.entries.as_ptr()), (before, place));
}

// conformance 170
#[test]
fn clock_that_is_set_back_accepts_no_proof_twice() {
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), UseResult::First);
    // With the clock an hour ahead, all entries expire. After it was set back, the old proof is still rejected,
    // and so is any proof that may be the same.
    assert_eq!(slots.insert(2, 1, NOW + 3660, NOW + 3600), UseResult::First);
    for until in [NOW + 1, NOW + 60, NOW + 3660] {
        assert_eq!(slots.insert(1, 1, until, NOW + 1), UseResult::Full);
    }
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), UseResult::First);
    // The clock is set ahead without proofs, because the clients' clocks stay right: only the old window is
    // lost.
    slots.sweep(NOW + 3600);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW + 5), UseResult::Full);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 5), UseResult::First);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 6), UseResult::Replayed);
    // The clock is wrong, and is then corrected.
    slots.sweep(u64::MAX);
    assert_eq!(slots.insert(3, 1, NOW + 61, NOW + 7), UseResult::Full);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), UseResult::First);
    assert_eq!(slots.insert(4, 1, NOW + 80, NOW + 30), UseResult::Replayed);
}

#[test]
fn clock_that_is_set_back_a_little_keeps_proofs_longer() {
    let mut slots = tenths(100);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW), UseResult::First);
    slots.sweep(NOW + 50);
    assert_eq!(slots.insert(1, 1, NOW + 60, NOW - 20), UseResult::Replayed);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW - 20), UseResult::First);
    assert_eq!(slots.insert(2, 1, NOW + 40, NOW + 40), UseResult::Replayed);
}

#[test]
fn proof_beyond_the_ring_is_rejected() {
    let mut slots = tenths(100);
    let result = slots.insert(1, 1, NOW + 1000, NOW);
    assert_eq!(result, UseResult::Full);
    assert_eq!(slots.insert(1, 1, u64::MAX, NOW), UseResult::Full);
}

// conformance 170
#[test]
fn expired_slots_do_not_count_and_are_freed_in_steps() {
    let capacity = 10_000;
    let mut slots = tenths(capacity);
    for number in 0..capacity {
        // Ten callers use up their shares.
        let caller = number % 10 * 0x0001_0001;
        let result = slots.insert(u128::from(number), caller, NOW + 60, NOW);
        assert_eq!(result, UseResult::First);
    }
    assert_eq!(slots.insert(1 << 80, 0, NOW + 61, NOW), UseResult::Full);
    // This time is after the last second of all entries, and in the next time slice of the shares. The call
    // frees slots even though its proof is rejected.
    let now = NOW + 64;
    assert_eq!(slots.insert(0, 0, NOW + 60, now), UseResult::Full);
    assert_eq!((slots.live, slots.expired_count), (0, capacity - 256));
    // All ten callers have their shares again, although most of the expired slots are not freed yet.
    let mut expired = slots.expired_count;
    for number in 0..capacity {
        let caller = number % 10 * 0x0001_0001;
        let digest = (1 << 81) + u128::from(number);
        let result = slots.insert(digest, caller, now + 60, now);
        assert_eq!((result, slots.live), (UseResult::First, number + 1));
        assert!(slots.expired_count + 256 >= expired, "{number}");
        expired = slots.expired_count;
    }
    assert_eq!(
        (slots.expired_count, slots.entries.len()),
        (0, capacity as usize)
    );
    for caller in 0..11 {
        let result = slots.insert(1 << 82, caller * 0x0001_0001, now + 61, now);
        assert_eq!(result, UseResult::Full);
    }
}

// conformance 170
#[test]
fn expired_slot_is_reused_when_no_slot_is_free() {
    let mut slots = tenths(100);
    slots.max_freed = 0;
    for round in 0..3 {
        let now = NOW + round * 61;
        for number in 0..100 {
            let digest = u128::from(round) << 64 | u128::from(number);
            let result = slots.insert(digest, number * 0x0001_0001, now + 60, now);
            assert_eq!(result, UseResult::First, "{round} {number}");
        }
        assert_eq!((slots.live, slots.expired_count), (100, 0));
        assert_eq!(slots.entries.len(), 100);
    }
}

#[test]
fn replay_share_is_kept_while_others_are_freed() {
    let mut slots = tenths(1000);
    slots.max_freed = 8;
    // The slots of one second are freed while one caller floods.
    for number in 0..400 {
        let result = slots.insert(number, number as u32 * 0x0001_0001, NOW + 1, NOW);
        assert_eq!(result, UseResult::First);
    }
    let mut first = 0;
    for number in 1000..2000 {
        let result = slots.insert(number, 0xFFFF_FFFF, NOW + 60, NOW + 2);
        first += u32::from(result == UseResult::First);
    }
    assert_eq!(first, 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // conformance 170, 171
    #[test]
    fn slots_agree_with_a_map(
        steps in vec((0..3_u64, 0..40_u128, 0..6_u32, 0..60_u64), 1..400),
        capacity in 1..60_u32,
        max_freed in prop_oneof![Just(super::MAX_FREED), 0..4_u32],
    ) {
        let mut slots = tenths(capacity);
        slots.max_freed = max_freed;
        let mut model: HashMap<u128, u64> = HashMap::new();
        // The proofs that count against a share, by caller, and their ends.
        let mut counted: Vec<(u32, u64)> = Vec::new();
        let width = (WINDOW + 2).div_ceil(6);
        let mut expired = 0;
        let mut now = NOW;
        for (passed, digest, caller, ahead) in steps {
            now += passed * passed * 5;
            let until = now + ahead;
            // Digests that share a chain, and callers that share no counter.
            let (digest, caller) = (digest << 64, caller * 0x0001_0001);
            let before = model.len();
            model.retain(|_, until| *until >= now);
            counted.retain(|(_, until)| until / width >= now / width);
            expired += before - model.len();
            expired -= expired.min(max_freed as usize);
            let mine = counted.iter().filter(|(other, _)| *other == caller).count();
            let result = slots.insert(digest, caller, until, now);
            let (full, share) = (model.len() >= capacity as usize, (capacity as usize / 10).max(1));
            match result {
                // An expired digest is still found until it is freed.
                UseResult::Replayed => prop_assert!(model.contains_key(&digest) || expired > 0),
                // Expired entries do not make the store full.
                UseResult::Full => prop_assert!(full || mine >= share),
                UseResult::First => {
                    prop_assert!(!full && !model.contains_key(&digest));
                    prop_assert!(mine < share);
                    expired -= usize::from(model.len() + expired == capacity as usize);
                    model.insert(digest, until);
                    counted.push((caller, until));
                }
            }
            prop_assert_eq!(slots.live as usize, model.len());
            prop_assert_eq!(slots.expired_count as usize, expired);
            prop_assert!(slots.entries.len() <= capacity as usize);
        }
    }

    // conformance 170, 171
    #[test]
    fn proof_is_accepted_once_under_any_clock(
        // The distance and direction in which the clock moves, and the number and age of the proof.
        steps in vec((0..200_u64, any::<bool>(), 0..30_u64, 0..=WINDOW), 1..400),
        capacity in 5..60_u32,
        max_freed in prop_oneof![Just(super::MAX_FREED), 0..4_u32],
    ) {
        let mut slots = tenths(capacity);
        slots.max_freed = max_freed;
        let mut now = NOW;
        // The last second of a proof follows from its `iat` and does not depend on the clock of the service.
        let mut proofs: HashMap<u64, u64> = HashMap::new();
        let mut first = HashSet::new();
        for (moves, back, number, age) in steps {
            // Most steps are small.
            let moves = if moves > 20 { moves / 50 } else { moves * moves };
            now = if back { now - moves } else { now + moves };
            let until = *proofs.entry(number).or_insert(now + WINDOW - age);
            if (now..=now + WINDOW).contains(&until)
                && slots.insert(u128::from(number), 7, until, now) == UseResult::First
            {
                prop_assert!(first.insert(number), "{} was accepted twice", number);
            }
        }
    }
}
