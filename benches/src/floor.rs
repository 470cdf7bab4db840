//! The floor under a hit: the token's digest and a look-up in moka, and nothing else.

use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use moka::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Remembers tokens by their SipHash-1-3 of 128 bits.
#[derive(Debug)]
pub struct Floor {
    entries: Cache<u128, Arc<str>, BuildHasherDefault<Itself>>,
    keyed: SipHasher13,
}

impl Floor {
    /// For `capacity` tokens.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self {
            entries: Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(BuildHasherDefault::default()),
            keyed: SipHasher13::new_with_keys(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210),
        }
    }

    /// Remembers `jwt`.
    pub fn insert(&self, jwt: &str) {
        self.entries.insert(self.digest(jwt), "a token".into());
    }

    /// Whether `jwt` is remembered.
    #[must_use]
    pub fn holds(&self, jwt: &str) -> bool {
        self.entries.get(&self.digest(jwt)).is_some()
    }

    fn digest(&self, jwt: &str) -> u128 {
        let mut hasher = self.keyed;
        hasher.write(jwt.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// A digest is its own hash.
#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, word: u128) {
        self.0 = (word >> 64) as u64 ^ word as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
