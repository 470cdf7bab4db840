//! Random names and digests, as base64url.

use aws_lc_rs::{digest, rand};
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};

/// 43 random characters: Okta's form of a `kid` and of what follows `AT.` in a `jti`.
pub(crate) fn random_name() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes(32))
}

pub(crate) fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// SHA-256, 43 characters.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}
