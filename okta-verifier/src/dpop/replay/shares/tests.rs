//! The shares of callers: how long a proof counts, and against which callers.

use proptest::{collection::vec, prelude::*};

use super::{Counter, PLACES, SLICES, Shares, caller_number};
use crate::crypto::Fingerprints;

const NOW: u64 = 1_700_000_000;
/// The longest storage time: a window of 60 s and 30 s, and six minutes between the clocks of instances.
const LONGEST: u64 = 450;
const ADA: u32 = 0x0001_0001;
const BOB: u32 = 0x0002_0002;

/// Returns how many of `tries` proofs, which are stored for 420 s, are counted.
fn counted(shares: &mut Shares, caller: u32, now: u64, tries: u32) -> u32 {
    let mut count = 0;
    for _ in 0..tries {
        count += u32::from(shares.take(caller, now + 420, now).is_some());
    }
    count
}

// finding 9
#[test]
fn replay_share_is_counted_for_as_long_as_a_proof_is_stored() {
    let mut shares = Shares::new(10, LONGEST);
    assert_eq!(counted(&mut shares, ADA, NOW, 20), 10);
    // The proof counts at least until its last second, and longer by at most a sixth of the longest storage
    // time.
    assert_eq!(counted(&mut shares, ADA, NOW + 420, 1), 0);
    assert_eq!(
        counted(&mut shares, ADA, NOW + 420 + LONGEST.div_ceil(6), 20),
        10
    );
}

// finding 9
#[test]
fn replay_share_of_a_steady_caller_allows_its_rate() {
    let mut shares = Shares::new(50_000, LONGEST);
    // 100 per second, for 420 s and the rest of a time slice.
    for second in 0..2000 {
        assert_eq!(
            counted(&mut shares, ADA, NOW + second, 100),
            100,
            "{second}"
        );
    }
    // A flood uses up its share and no more.
    let mut flood = 0;
    for second in 0..420 {
        flood += counted(&mut shares, BOB, NOW + 2000 + second, 1400);
    }
    assert_eq!(flood, 50_000);
}

// finding 9
#[test]
fn replay_share_that_is_given_back_can_be_taken_again() {
    let mut shares = Shares::new(1, LONGEST);
    for second in 0..1000 {
        let now = NOW + second;
        let proof = shares.take(ADA, now + 420, now).unwrap();
        assert_eq!(shares.take(ADA, now + 420, now), None);
        shares.give_back(proof);
    }
    // Giving back a proof whose time slice has passed meanwhile has no effect.
    let old = shares.take(ADA, NOW + 420, NOW).unwrap();
    let later = NOW + 1000;
    assert!(shares.take(ADA, later + 420, later).is_some());
    shares.give_back(old);
    assert_eq!(shares.take(ADA, later + 420, later), None);
}

// finding 9
#[test]
fn replay_share_of_another_caller_at_one_counter_of_two_is_whole() {
    let mut shares = Shares::new(10, LONGEST);
    for number in 0..3 {
        let caller = number << 16 | 1;
        assert_eq!(counted(&mut shares, caller, NOW, 20), 10, "{caller}");
    }
    // A caller is rejected too if it has both counters in common with a caller that has used up its share.
    let both = PLACES as u32 + 1;
    assert_eq!(counted(&mut shares, both, NOW, 1), 0);
}

// finding 9
#[test]
fn replay_share_recovers_from_a_clock_that_was_wrong() {
    for wrong in [0, NOW - 86_400, NOW + 86_400, u64::MAX] {
        let mut shares = Shares::new(10, LONGEST);
        assert_eq!(counted(&mut shares, ADA, NOW, 20), 10);
        let end = wrong.saturating_add(420);
        assert!(shares.take(ADA, end, wrong).is_some(), "{wrong}");
        assert_eq!(counted(&mut shares, ADA, NOW, 20), 10, "{wrong}");
    }
    // If the clock is set back by less than the time for which a proof is stored, the counts remain.
    let mut shares = Shares::new(10, LONGEST);
    assert_eq!(counted(&mut shares, ADA, NOW, 20), 10);
    assert_eq!(counted(&mut shares, ADA, NOW - 300, 20), 0);
    assert_eq!(counted(&mut shares, ADA, NOW + 500, 20), 10);
}

// finding 9
#[test]
fn replay_share_takes_the_same_memory_for_any_number_of_proofs() {
    assert_eq!(size_of::<Counter>(), 4 * (SLICES + 1));
    let mut shares = Shares::new(10, LONGEST);
    let bytes: usize = shares.rows.iter().map(|row| size_of_val(&**row)).sum();
    assert_eq!(bytes, 2 << 20);
    for number in 0..100_000_u32 {
        let caller = number.wrapping_mul(0x9E37_79B9);
        shares.take(caller, NOW + 420, NOW);
    }
    let after: usize = shares.rows.iter().map(|row| size_of_val(&**row)).sum();
    assert_eq!(after, bytes);
}

#[test]
fn replay_caller_is_its_issuer_client_and_subject() {
    let fingerprints = Fingerprints::new().unwrap();
    let number = |caller| caller_number(&fingerprints, caller).unwrap();
    assert_eq!(number(["a", "b", "c"]), number(["a", "b", "c"]));
    for other in [
        ["ab", "", "c"],
        ["a", "bc", ""],
        ["", "ab", "c"],
        ["c", "b", "a"],
    ] {
        assert_ne!(number(["a", "b", "c"]), number(other));
    }
    let another = Fingerprints::new().unwrap();
    let numbers: Vec<_> = (0..8)
        .map(|subject: u8| {
            let subject = subject.to_string();
            [&fingerprints, &another].map(|key| caller_number(key, ["a", "b", &subject]))
        })
        .collect();
    assert!(numbers.iter().any(|[one, other]| one != other));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // finding 9
    #[test]
    fn replay_share_is_what_a_list_would_count(
        // The time that passes, the caller, how long its proof is stored, and whether it is given back.
        steps in vec((0..60_u64, 1..4_u32, 0..=LONGEST, 0..4_u8), 1..300),
        share in 1..12_u32,
    ) {
        let mut shares = Shares::new(share, LONGEST);
        let width = LONGEST.div_ceil(6);
        let mut now = NOW;
        // The ends of the proofs of each caller.
        let mut stored: Vec<(u32, u64)> = Vec::new();
        for (passed, caller, time, given_back) in steps {
            now += passed;
            let caller = caller * 0x0001_0001;
            let mine = stored.iter().filter(|(other, _)| *other == caller);
            let live = mine.clone().filter(|(_, end)| *end >= now).count();
            let lately = mine.filter(|(_, end)| end / width >= now / width).count();
            match shares.take(caller, now + time, now) {
                Some(counted) => {
                    // A caller never has more proofs than its share at the same time.
                    prop_assert!(live < share as usize);
                    prop_assert!(lately < share as usize);
                    match given_back {
                        0 => shares.give_back(counted),
                        _ => stored.push((caller, now + time)),
                    }
                }
                None => prop_assert_eq!(lately, share as usize),
            }
        }
    }

    // finding 9
    #[test]
    fn replay_share_survives_every_clock(
        steps in vec((any::<u64>(), any::<u64>(), any::<u32>(), any::<bool>()), 1..100),
        near in any::<bool>(),
    ) {
        let mut shares = Shares::new(3, LONGEST);
        for (now, end, caller, give_back) in steps {
            let (now, end) = match near {
                true => (NOW + now % 1000, NOW + end % 2000),
                false => (now, end),
            };
            if let Some(counted) = shares.take(caller % 4, end, now)
                && give_back
            {
                shares.give_back(counted);
            }
        }
    }
}
