//! Counts the expensive work of a request, for tests.

use std::{cell::Cell, ops::Sub};

/// How often this thread has parsed a token, and verified signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) parses: usize,
    pub(crate) token_signatures: usize,
    pub(crate) proof_signatures: usize,
}

thread_local! {
    static COUNTS: Cell<Counts> = const {
        Cell::new(Counts {
            parses: 0,
            token_signatures: 0,
            proof_signatures: 0,
        })
    };
}

impl Counts {
    pub(crate) fn read() -> Self {
        COUNTS.get()
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            parses: self.parses - earlier.parses,
            token_signatures: self.token_signatures - earlier.token_signatures,
            proof_signatures: self.proof_signatures - earlier.proof_signatures,
        }
    }
}

pub(crate) fn parse() {
    count(|counts| counts.parses += 1);
}

pub(crate) fn token_signature() {
    count(|counts| counts.token_signatures += 1);
}

pub(crate) fn proof_signature() {
    count(|counts| counts.proof_signatures += 1);
}

fn count(change: impl FnOnce(&mut Counts)) {
    let mut counts = COUNTS.get();
    change(&mut counts);
    COUNTS.set(counts);
}
