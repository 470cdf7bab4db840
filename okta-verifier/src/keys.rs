//! An issuer's public keys: each is parsed and checked, they are fetched if necessary, and they are
//! trusted for a limited time.

mod discovery;
mod jwk;
mod schedule;
mod set;
mod source;
mod store;

#[cfg(test)]
mod tests;

pub(crate) use discovery::{Metadata, NamedUrl};
pub(crate) use jwk::{Key, KeyOptions, ProofKey};
pub(crate) use schedule::DEFAULT_STALE_IF_ERROR;
pub(crate) use set::KeySet;
pub use set::KeySnapshot;
pub(crate) use source::Source;
pub(crate) use store::{FetchedKeys, KeyLookup, KeyStore};
