//! The replay store of one process.

use std::sync::Barrier;

use crate::dpop::{
    proof::AcceptedProof,
    replay::{Memory, UseResult},
    window::Window,
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

fn proof(number: u32) -> AcceptedProof {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    AcceptedProof {
        digest,
        until: NOW + 60,
    }
}

// conformance 170
#[test]
fn replayed_proof_is_rejected_for_every_caller() {
    let memory = memory(100);
    assert_eq!(memory.first_use(&proof(1), ADA, NOW), UseResult::First);
    assert_eq!(memory.first_use(&proof(1), ADA, NOW), UseResult::Replayed);
    assert_eq!(
        memory.first_use(&proof(1), BOB, NOW + 60),
        UseResult::Replayed
    );
    assert_eq!(memory.first_use(&proof(2), ADA, NOW), UseResult::First);
}

// conformance 171
#[test]
fn concurrent_uses_of_a_proof_pass_once() {
    let memory = memory(1000);
    for number in 0..50 {
        let barrier = Barrier::new(8);
        let first = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        memory.first_use(&proof(number), ADA, NOW)
                    })
                })
                .collect();
            tries
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .filter(|result| *result == UseResult::First)
                .count()
        });
        assert_eq!(first, 1);
    }
}

// conformance 170
#[test]
fn replay_store_gives_a_caller_a_tenth_and_all_callers_the_whole() {
    let memory = memory(100);
    for number in 0..10 {
        assert_eq!(memory.first_use(&proof(number), ADA, NOW), UseResult::First);
    }
    assert_eq!(memory.first_use(&proof(10), ADA, NOW), UseResult::Full);
    // A stored proof is still reported as replayed.
    assert_eq!(memory.first_use(&proof(9), ADA, NOW), UseResult::Replayed);
    let mut number = 10;
    for caller in 1..10 {
        let subject = caller.to_string();
        for _ in 0..10 {
            let caller = [ADA[0], ADA[1], &subject];
            assert_eq!(
                memory.first_use(&proof(number), caller, NOW),
                UseResult::First
            );
            number += 1;
        }
    }
    assert_eq!(memory.first_use(&proof(1000), BOB, NOW), UseResult::Full);
    // Expired proofs make room.
    let late = AcceptedProof {
        until: NOW + 120,
        ..proof(1000)
    };
    assert_eq!(memory.first_use(&late, BOB, NOW + 60), UseResult::Full);
    assert_eq!(memory.first_use(&late, BOB, NOW + 61), UseResult::First);
    assert_eq!(memory.first_use(&late, ADA, NOW + 61), UseResult::Replayed);
}

#[test]
fn replay_callers_differ_by_the_boundaries_of_their_names() {
    let memory = memory(10);
    assert_eq!(
        memory.first_use(&proof(1), ["a", "b", "c"], NOW),
        UseResult::First
    );
    for (number, caller) in [["ab", "", "c"], ["a", "bc", ""], ["", "ab", "c"]]
        .into_iter()
        .enumerate()
    {
        let proof = proof(2 + number as u32);
        assert_eq!(memory.first_use(&proof, caller, NOW), UseResult::First);
    }
    assert_eq!(
        memory.first_use(&proof(9), ["a", "b", "c"], NOW),
        UseResult::Full
    );
}
