//! Cryptography: the only module that calls aws-lc-rs.

mod algorithm;
mod digest;
mod random;
mod signature;

pub use algorithm::Algorithm;
pub(crate) use algorithm::Algorithms;
pub(crate) use digest::{Fingerprint, Fingerprints, MacKey, sha256};
pub(crate) use random::{random_bytes, random_u64, xorshift};
pub(crate) use signature::{BadSignature, MAX_SIGNATURE, PreparedKey, SigningKey};
