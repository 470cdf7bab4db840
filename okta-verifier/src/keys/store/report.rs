//! What a person may know of the keys, and what another process may take over.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{Snapshot, Store};
use crate::{
    error::UnavailableReason,
    health::{IssuerHealth, KeyState},
    keys::{KeySnapshot, key_store::KeyStore, set::KeySet},
    sync::clock::Now,
};

impl KeyStore {
    /// Without I/O.
    pub(crate) fn health(&self, issuer: &str, now: Now) -> IssuerHealth {
        let issuer = issuer.to_owned();
        match self {
            Self::Pinned(set) => IssuerHealth {
                issuer,
                state: KeyState::Pinned,
                key_ids: key_ids(set),
                age: None,
                fresh_for: None,
                last_success: None,
                last_error: None,
                introspection: None,
            },
            Self::Fetched(store) => store.health(issuer, now),
        }
    }

    /// `None` where there is nothing to save: pinned keys, or none yet.
    pub(crate) fn key_snapshot(&self, issuer: &str, now: Now) -> Option<KeySnapshot> {
        let Self::Fetched(store) = self else {
            return None;
        };
        let snapshot = store.snapshot.load_full()?;
        // As old as the larger of both clocks says: the next process has the wall clock only.
        let age = snapshot.trust.age(now).as_secs();
        let began = snapshot.trust.began().unix;
        Some(KeySnapshot {
            issuer: issuer.to_owned(),
            jwks: snapshot.document.as_ref().to_owned(),
            fetched_at: began.min(now.unix.saturating_sub(age)),
            fresh_for: snapshot.trust.fresh_for().as_secs(),
        })
    }
}

impl Store {
    /// Begins with the keys of an earlier process, as old as they are. From the future they are
    /// not believed: a clock that is wrong must not prolong trust.
    ///
    /// # Errors
    ///
    /// There is no usable key.
    pub(crate) fn restore(
        mut self,
        saved: &KeySnapshot,
        now: Now,
    ) -> Result<Self, UnavailableReason> {
        let set = KeySet::parse(saved.jwks.as_bytes(), self.source.options)?;
        if saved.fetched_at > now.unix {
            let issuer = self.source.issuer();
            tracing::warn!(issuer, "ignoring key snapshot: fetched_at is in the future");
            return Ok(self);
        }
        let age = Duration::from_secs(now.unix - saved.fetched_at);
        let began = Now {
            unix: saved.fetched_at,
            // A machine that runs for a shorter time cannot say; the wall clock still does.
            instant: now.instant.checked_sub(age).unwrap_or(now.instant),
        };
        let fresh_for = Duration::from_secs(saved.fresh_for);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let trust = state.schedule.inherit(began, fresh_for);
        let snapshot = Snapshot {
            set: Arc::new(set),
            document: saved.jwks.as_str().into(),
            revision: None,
            trust,
        };
        self.snapshot.store(Some(Arc::new(snapshot)));
        Ok(self)
    }

    fn health(&self, issuer: String, now: Now) -> IssuerHealth {
        // Under the lock no fetch lands: keys and schedule belong together.
        let state = self.lock();
        let snapshot = self.snapshot.load_full();
        let trust = snapshot.as_ref().map(|snapshot| snapshot.trust);
        IssuerHealth {
            issuer,
            state: state.schedule.outlook(now),
            key_ids: snapshot
                .as_ref()
                .map(|snapshot| key_ids(&snapshot.set))
                .unwrap_or_default(),
            age: trust.map(|trust| trust.age(now)),
            fresh_for: trust.map(|trust| trust.fresh_for()),
            last_success: trust.map(|trust| trust.began().wall()),
            last_error: state.error.clone(),
            introspection: None,
        }
    }
}

fn key_ids(set: &KeySet) -> Vec<String> {
    set.keys()
        .iter()
        .filter_map(|key| Some(key.kid.as_deref()?.to_owned()))
        .collect()
}
