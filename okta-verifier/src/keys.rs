//! An issuer's public keys: parsed and judged one by one, fetched when they must be, trusted for
//! a bounded time.

mod discovery;
mod flight;
mod key;
mod key_store;
mod proof_key;
mod roca;
mod schedule;
mod set;
mod source;
mod store;

#[cfg(test)]
mod tests;

// For `flight`.
use std::sync::Mutex;

pub(crate) use discovery::{Metadata, NamedUrl};
pub(crate) use flight::Flight;
pub(crate) use key::{Key, KeyOptions};
pub(crate) use key_store::KeyStore;
pub(crate) use proof_key::ProofKey;
pub(crate) use schedule::DEFAULT_STALE_IF_ERROR;
pub(crate) use set::KeySet;
pub(crate) use source::Source;
pub(crate) use store::{Store, Wanted};
