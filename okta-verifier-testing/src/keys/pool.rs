//! The RSA pairs of this process. The pairs of issuers are generated once per process, because
//! generating one takes a noticeable part of a second.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;

/// Selects an RSA pair.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// A pair for the published keys of an issuer. The number is the generation of the keys.
    Issuer(usize),
    /// A new pair on every call, for a client.
    Client,
    /// A pair that no issuer publishes.
    Foreign,
}

/// Returns the 2048-bit pair of `slot`. It is generated on first use, or on every call for a client.
pub(crate) fn rsa(slot: Slot) -> Arc<KeyPair> {
    static ISSUERS: [OnceLock<Arc<KeyPair>>; ISSUER_SLOTS] =
        [const { OnceLock::new() }; ISSUER_SLOTS];
    static FOREIGN: OnceLock<Arc<KeyPair>> = OnceLock::new();
    let cell = match slot {
        Slot::Issuer(number) => &ISSUERS[number % ISSUER_SLOTS],
        Slot::Client => return new(),
        Slot::Foreign => &FOREIGN,
    };
    Arc::clone(cell.get_or_init(new))
}

fn new() -> Arc<KeyPair> {
    Arc::new(KeyPair::generate(KeySize::Rsa2048).expect("aws-lc generates keys"))
}

/// Returns the big-endian modulus, without a leading zero (RFC 7518 §6.3.1.1).
pub(crate) fn modulus(pair: &KeyPair) -> &[u8] {
    // RFC 8017 A.1.1: a sequence of two integers. Every pair here has a modulus of 2048 bits and the
    // exponent 65537, so the lengths and the zero byte before the modulus are constant.
    pair.public_key()
        .as_ref()
        .strip_prefix(b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00")
        .and_then(|rest| rest.strip_suffix(b"\x02\x03\x01\x00\x01"))
        .expect("a 2048-bit key with exponent 65537")
}

/// The number of RSA key pairs that all issuers share. Generation `n` uses pair `n % ISSUER_SLOTS`, so four
/// successive generations have four different pairs.
const ISSUER_SLOTS: usize = 4;
