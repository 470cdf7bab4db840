//! Key pairs and the sets an issuer publishes.

mod pair;
mod pool;
#[cfg(feature = "server")]
mod public;
mod random;
mod ring;

pub(crate) use pair::Pair;
pub(crate) use pool::Slot;
#[cfg(feature = "server")]
pub(crate) use public::signer;
pub(crate) use random::{fingerprint, random_bytes, random_name};
#[cfg(feature = "server")]
pub(crate) use ring::generate;
pub(crate) use ring::{Key, Ring, bound_thumbprint, foreign};
