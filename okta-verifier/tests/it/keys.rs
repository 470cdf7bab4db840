//! An issuer's keys: where they are found, when they are fetched, and which of them are used.

mod discovery;
mod fetch;
mod key_set;
mod revalidation;
mod snapshot;
mod unknown_key;
mod warm_up;
