//! A plain cache for comparison: the token's digest and a look-up in moka.

use std::{
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use moka::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher13};

/// A cache of tokens by a keyed digest of 128 bits.
pub struct PlainCache {
    entries: Cache<u128, Arc<str>, BuildHasherDefault<Itself>>,
    digest: Digest,
}

enum Digest {
    Sip(SipHasher13),
    Ghash(LessSafeKey),
}

impl PlainCache {
    /// Creates a cache for `capacity` tokens with SipHash-1-3.
    #[must_use]
    pub fn sip(capacity: u64) -> Self {
        let keyed = SipHasher13::new_with_keys(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        Self::new(capacity, Digest::Sip(keyed))
    }

    /// Creates a cache for `capacity` tokens with the GHASH of AES-GCM.
    ///
    /// # Panics
    ///
    /// Panics if aws-lc-rs rejects the key.
    #[must_use]
    pub fn ghash(capacity: u64) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, b"a key of 16 byte").expect("16 bytes");
        Self::new(capacity, Digest::Ghash(LessSafeKey::new(key)))
    }

    fn new(capacity: u64, digest: Digest) -> Self {
        let entries = Cache::builder().max_capacity(capacity);
        Self {
            entries: entries.build_with_hasher(BuildHasherDefault::default()),
            digest,
        }
    }

    /// Inserts `jwt`.
    pub fn insert(&self, jwt: &str) {
        self.entries
            .insert(self.digest.of(jwt.as_bytes()), "a token".into());
    }

    /// Returns whether the cache contains `jwt`.
    #[must_use]
    pub fn holds(&self, jwt: &str) -> bool {
        self.entries.get(&self.digest.of(jwt.as_bytes())).is_some()
    }
}

impl Digest {
    fn of(&self, text: &[u8]) -> u128 {
        match self {
            Self::Sip(keyed) => {
                let mut hasher = *keyed;
                hasher.write(text);
                hasher.finish128().as_u128()
            }
            Self::Ghash(key) => {
                let nonce = Nonce::assume_unique_for_key([0; 12]);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(text), &mut []);
                let tag = tag.expect("the token is not too long");
                u128::from_ne_bytes(tag.as_ref().try_into().expect("16 bytes"))
            }
        }
    }
}

impl fmt::Debug for PlainCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainCache").finish_non_exhaustive()
    }
}

/// A hasher that returns the digest unchanged.
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
