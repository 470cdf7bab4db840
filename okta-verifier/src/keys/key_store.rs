//! The keys of one issuer, wherever they come from.

use std::sync::Arc;

use super::{
    jwk::Key,
    schedule::Read,
    set::KeySet,
    store::{Outcome, Store, Wanted},
};
use crate::{error::VerifyError, sync::clock::Now};

/// The keys of one issuer.
#[derive(Clone, Debug)]
pub(crate) enum KeyStore {
    /// Given by the user; never fetched.
    Pinned(Arc<KeySet>),
    Fetched(Arc<Store>),
}

impl KeyStore {
    /// Decides without waiting; `None` when the keys must be fetched first. Then nothing was
    /// changed.
    pub(crate) fn find(
        &self,
        wanted: Wanted<'_>,
        now: Now,
    ) -> Option<Result<Arc<Key>, VerifyError>> {
        match self {
            Self::Pinned(set) => Some(in_pinned(set, wanted)),
            Self::Fetched(store) => match store.find(wanted, now, false) {
                Outcome::Decided(result) => Some(result),
                Outcome::Pending(_) => None,
            },
        }
    }

    /// Whether `key` is still trusted; `None` when keys must be fetched first.
    pub(crate) fn trusts(&self, key: &Arc<Key>, now: Now) -> Option<Result<bool, VerifyError>> {
        match self {
            Self::Pinned(_) => Some(Ok(true)),
            Self::Fetched(store) => match store.trusts(key, now) {
                Outcome::Decided(result) => Some(result),
                Outcome::Pending(_) => None,
            },
        }
    }

    /// Decides, and fetches the keys for it where it must.
    pub(crate) async fn find_or_fetch(&self, wanted: Wanted<'_>) -> Result<Arc<Key>, VerifyError> {
        match self {
            Self::Pinned(set) => in_pinned(set, wanted),
            Self::Fetched(store) => store.wait_for(|now| store.find(wanted, now, true)).await,
        }
    }

    /// Whether the user chose the keys: what they do not sign, nobody else may vouch for.
    pub(crate) fn is_pinned(&self) -> bool {
        matches!(self, Self::Pinned(_))
    }

    /// Returns once there are keys that are trusted.
    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        self.wait_until(Read::Known).await
    }

    /// Fetches the keys now, whatever their age.
    pub(crate) async fn refresh(&self) -> Result<(), VerifyError> {
        let since = Now::read().instant;
        self.wait_until(Read::Refresh { since }).await
    }

    async fn wait_until(&self, read: Read) -> Result<(), VerifyError> {
        match self {
            Self::Pinned(_) => Ok(()),
            Self::Fetched(store) => store.wait_for(|now| store.ready(read, now)).await,
        }
    }
}

fn in_pinned(set: &KeySet, wanted: Wanted<'_>) -> Result<Arc<Key>, VerifyError> {
    wanted.find_in(set).unwrap_or_else(|| Err(wanted.absent()))
}
