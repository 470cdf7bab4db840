use std::sync::Barrier;

use crate::dpop::{
    judge::{Used, Window},
    replay::{Memory, Verdict},
};

const NOW: u64 = 1_700_000_000;
const ADA: [&str; 3] = ["https://issuer", "client", "ada"];
const BOB: [&str; 3] = ["https://issuer", "client", "bob"];

fn memory(capacity: u32) -> Memory {
    let window = Window {
        past: 60,
        future: 30,
    };
    Memory::new(capacity, (capacity / 10).max(1), window).unwrap()
}

fn used(number: u32) -> Used {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    Used {
        digest,
        until: NOW + 60,
    }
}

// conformance 170
#[test]
fn a_proof_is_good_once_whoever_sends_it() {
    let memory = memory(100);
    assert_eq!(memory.first_use(&used(1), ADA, NOW), Verdict::First);
    assert_eq!(memory.first_use(&used(1), ADA, NOW), Verdict::Seen);
    assert_eq!(memory.first_use(&used(1), BOB, NOW + 60), Verdict::Seen);
    assert_eq!(memory.first_use(&used(2), ADA, NOW), Verdict::First);
}

// conformance 171
#[test]
fn of_many_at_once_one_passes() {
    let memory = memory(1000);
    for number in 0..50 {
        let barrier = Barrier::new(8);
        let first = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        memory.first_use(&used(number), ADA, NOW)
                    })
                })
                .collect();
            tries
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .filter(|verdict| *verdict == Verdict::First)
                .count()
        });
        assert_eq!(first, 1);
    }
}

// conformance 170
#[test]
fn one_caller_gets_a_tenth_and_all_get_the_whole() {
    let memory = memory(100);
    for number in 0..10 {
        assert_eq!(memory.first_use(&used(number), ADA, NOW), Verdict::First);
    }
    assert_eq!(memory.first_use(&used(10), ADA, NOW), Verdict::Full);
    // What is there is told as ever.
    assert_eq!(memory.first_use(&used(9), ADA, NOW), Verdict::Seen);
    let mut number = 10;
    for caller in 1..10 {
        let subject = caller.to_string();
        for _ in 0..10 {
            let caller = [ADA[0], ADA[1], &subject];
            assert_eq!(memory.first_use(&used(number), caller, NOW), Verdict::First);
            number += 1;
        }
    }
    assert_eq!(memory.first_use(&used(1000), BOB, NOW), Verdict::Full);
    // When they expire there is room again.
    let late = Used {
        until: NOW + 120,
        ..used(1000)
    };
    assert_eq!(memory.first_use(&late, BOB, NOW + 60), Verdict::Full);
    assert_eq!(memory.first_use(&late, BOB, NOW + 61), Verdict::First);
    assert_eq!(memory.first_use(&late, ADA, NOW + 61), Verdict::Seen);
}

#[test]
fn callers_are_told_apart_by_where_their_names_end() {
    let memory = memory(10);
    assert_eq!(
        memory.first_use(&used(1), ["a", "b", "c"], NOW),
        Verdict::First
    );
    for (number, caller) in [["ab", "", "c"], ["a", "bc", ""], ["", "ab", "c"]]
        .into_iter()
        .enumerate()
    {
        let used = used(2 + number as u32);
        assert_eq!(memory.first_use(&used, caller, NOW), Verdict::First);
    }
    assert_eq!(
        memory.first_use(&used(9), ["a", "b", "c"], NOW),
        Verdict::Full
    );
}
