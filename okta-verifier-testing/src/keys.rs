//! Key pairs and the key sets that an issuer publishes.

mod pair;
mod pool;
#[cfg(feature = "server")]
mod public;
mod ring;

use aws_lc_rs::{digest, rand};
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};

pub(crate) use pair::Pair;
pub(crate) use pool::Slot;
#[cfg(feature = "server")]
pub(crate) use public::signer;
#[cfg(feature = "server")]
pub(crate) use ring::generate;
pub(crate) use ring::{Key, Ring, bound_thumbprint, foreign};

/// Returns 43 random characters. In Okta's tokens, `kid` and the part of `jti` after `AT.` have this
/// form.
pub(crate) fn random_name() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes(32))
}

pub(crate) fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::fill(&mut bytes).expect("the operating system's random number generator is available");
    bytes
}

/// Returns the SHA-256 digest in base64url, which is 43 characters.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}
