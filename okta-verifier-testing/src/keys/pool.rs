//! The RSA pairs of this process: those of issuers are made once each, because one takes a large
//! part of a second.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;

/// Which pair of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// For an issuer's keys of this generation; the numbers wrap round.
    Issuer(usize),
    /// None: a new pair each time, for a client.
    Client,
    /// Published by no issuer.
    Foreign,
}

/// The pair of `slot`, 2048 bits, made when it is first asked for.
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
    Arc::new(KeyPair::generate(KeySize::Rsa2048).expect("aws-lc makes keys"))
}

/// The big-endian modulus, without a leading zero (RFC 7518 §6.3.1.1).
pub(crate) fn modulus(pair: &KeyPair) -> &[u8] {
    // RFC 8017 A.1.1: a sequence of two integers. All pairs here are 2048 bits and 65537, so the
    // lengths, and the zero byte that keeps the modulus positive, never change.
    pair.public_key()
        .as_ref()
        .strip_prefix(b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00")
        .and_then(|rest| rest.strip_suffix(b"\x02\x03\x01\x00\x01"))
        .expect("a 2048-bit key with exponent 65537")
}

/// A generation shares its pair with none of the three before it.
const ISSUER_SLOTS: usize = 4;
