//! The only room that knows aws-lc-rs.

mod digest;
mod fingerprint;
mod mac;
mod random;
mod sign;
mod verify;

pub(crate) use digest::sha256;
pub(crate) use fingerprint::{Fingerprint, Fingerprints};
pub(crate) use mac::MacKey;
pub(crate) use random::{random_bytes, random_u64, xorshift};
pub(crate) use sign::SigningKey;
pub(crate) use verify::{BadSignature, MAX_SIGNATURE, PreparedKey};
