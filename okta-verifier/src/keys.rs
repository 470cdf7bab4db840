//! The public keys of an issuer: how they are parsed and checked, when they are fetched, and for how long
//! they are trusted.

mod discovery;
mod jwk;
mod schedule;
mod set;
mod source;
mod store;

#[cfg(test)]
mod tests;

pub(crate) use discovery::{Location, Metadata};
pub(crate) use jwk::{Key, KeyOptions, ProofKey};
pub(crate) use schedule::DEFAULT_STALE_IF_ERROR;
pub(crate) use set::KeySet;
pub use set::KeySnapshot;
pub(crate) use source::Source;
pub(crate) use store::{FetchedKeys, KeyLookup, KeyStore};
