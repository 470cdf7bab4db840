//! Cryptography: the only module that calls aws-lc-rs.

mod algorithm;
mod digest;
mod signature;

pub use algorithm::Algorithm;
pub(crate) use algorithm::Algorithms;
pub(crate) use digest::{Fingerprint, Fingerprints, MacKey, sha256};
pub(crate) use signature::{BadSignature, MAX_SIGNATURE, PreparedKey, SigningKey};

/// Returns random bytes for keys, or `None` if the random number generator is unavailable.
pub(crate) fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Returns the value of a xorshift64 generator that follows `number`. It is 0 only if `number` is
/// 0. The generator is not cryptographically secure: one value reveals the next one.
pub(crate) const fn xorshift(mut number: u64) -> u64 {
    number ^= number << 13;
    number ^= number >> 7;
    number ^ number << 17
}

/// Returns a random number for jitter, or 0 if the random number generator is unavailable.
pub(crate) fn random_u64() -> u64 {
    random_bytes().map_or(0, u64::from_le_bytes)
}
