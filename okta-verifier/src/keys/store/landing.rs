//! How a fetch ends: with keys, with an error, or without a result.

use std::sync::Arc;

use tokio::time::timeout;

use super::{Boarding, Snapshot, Store};
use crate::{
    error::{UnavailableReason, cause},
    keys::{schedule::Schedule, source::Loaded},
    sync::clock::Now,
};

/// Held by the task of a fetch. However the task ends, those who wait are woken.
pub(super) struct Landing {
    pub(super) store: Arc<Store>,
    pub(super) boarding: Boarding,
}

impl Landing {
    pub(super) async fn run(self, now: Now) {
        let source = &self.store.source;
        let known = self.store.snapshot.load_full();
        let revision = known
            .as_ref()
            .and_then(|snapshot| snapshot.revision.as_ref());
        let result = timeout(source.deadline, source.load(now, revision))
            .await
            .unwrap_or(Err(UnavailableReason::Timeout));
        // The connections of a suspended process are gone, and what failed then says nothing about
        // the issuer: the fetch is abandoned when this is dropped.
        if result.is_err() && Now::read().shows_suspension(now, source.deadline) {
            let issuer = source.issuer();
            tracing::debug!(issuer, "key fetch abandoned: the process was suspended");
            return;
        }
        self.store.land(self.boarding.id, result);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let id = self.boarding.id;
        if std::thread::panicking() {
            // It would panic again: backed off from, like any other failure.
            self.store.land_error(id, UnavailableReason::Abandoned);
        }
        let mut state = self.store.lock();
        // No effect after a landing; otherwise the runtime has dropped the task.
        state.schedule.abandoned(id);
        state.flight.take_if(|flight| flight.id == id);
        drop(state);
        self.boarding.flight.land();
    }
}

impl Store {
    fn land(&self, id: u64, result: Result<Loaded, UnavailableReason>) {
        match result {
            Ok(loaded) => self.land_keys(id, loaded),
            Err(error) => self.land_error(id, error),
        }
    }

    fn land_keys(&self, id: u64, loaded: Loaded) {
        let mut state = self.lock();
        let Some((snapshot, changed)) = self.take_in(id, loaded, &mut state.schedule) else {
            return;
        };
        let snapshot = Arc::new(snapshot);
        self.snapshot.store(Some(snapshot.clone()));
        let recovered = state.error.take().is_some();
        // A subscriber is foreign code: not under the lock.
        drop(state);
        let skipped = snapshot.set.skipped();
        let issuer = self.source.issuer();
        if changed && !skipped.is_empty() {
            tracing::warn!(issuer, %skipped, "keys of the issuer were skipped");
        }
        if recovered {
            tracing::info!(issuer, "key fetch recovered");
        }
    }

    /// The keys to trust from now on, and whether they are others than before. `None` for an
    /// answer that comes too late: it must change nothing.
    fn take_in(
        &self,
        id: u64,
        loaded: Loaded,
        schedule: &mut Schedule,
    ) -> Option<(Snapshot, bool)> {
        let previous = self.snapshot.load_full();
        match loaded {
            Loaded::Keys {
                mut set,
                document,
                fresh_for,
                revision,
            } => {
                let changed = previous
                    .as_ref()
                    .is_none_or(|previous| set.differs(&previous.set));
                let trust = schedule.fetched(id, fresh_for)?;
                if let Some(previous) = &previous {
                    set.succeed(&previous.set);
                }
                let snapshot = Snapshot {
                    set: Arc::new(set),
                    document: document.into(),
                    revision,
                    trust,
                };
                Some((snapshot, changed))
            }
            Loaded::Unchanged { fresh_for } => {
                let previous = previous?;
                let fresh_for = fresh_for.unwrap_or(previous.trust.fresh_for());
                let trust = schedule.fetched(id, fresh_for)?;
                let snapshot = Snapshot {
                    trust,
                    ..Snapshot::clone(&previous)
                };
                Some((snapshot, false))
            }
        }
    }

    fn land_error(&self, id: u64, error: UnavailableReason) {
        let now = Now::read();
        let mut state = self.lock();
        let Some(first) = state.schedule.failed(id, error.retry_after(), now) else {
            return;
        };
        state.error = Some(error.clone());
        drop(state);
        if first {
            let (issuer, cause) = (self.source.issuer(), cause(&error));
            tracing::warn!(issuer, %error, cause, "key fetch failed");
        }
    }
}
