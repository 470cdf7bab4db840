//! How a fetch ends: with keys, with an error, or with its runtime.

use std::sync::Arc;

use tokio::time::timeout;

use super::{Boarding, Snapshot, Store};
use crate::{
    error::FetchError,
    keys::{set::KeySet, source::Loaded},
    time::Now,
};

/// Held by the task of a fetch. However the task ends, those who wait are woken.
pub(super) struct Landing {
    pub(super) store: Arc<Store>,
    pub(super) boarding: Boarding,
}

impl Landing {
    pub(super) async fn run(self, now: Now) {
        let source = &self.store.source;
        let result = timeout(source.deadline, source.load(now))
            .await
            .unwrap_or(Err(FetchError::Timeout));
        self.store.land(self.boarding.id, result);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let id = self.boarding.id;
        let mut state = self.store.lock();
        // No effect after a landing; otherwise the runtime has dropped the task.
        state.schedule.abandoned(id);
        state.flight.take_if(|flight| flight.id == id);
        drop(state);
        self.boarding.flight.land();
    }
}

impl Store {
    fn land(&self, id: u64, result: Result<Loaded, FetchError>) {
        let now = Now::read();
        let mut state = self.lock();
        match result {
            Ok(Loaded { mut set, fresh_for }) => {
                let previous = self.snapshot.load_full();
                let empty = KeySet::default();
                let previous = previous.as_ref().map_or(&empty, |snapshot| &snapshot.set);
                // Asked before anything is retired: a late answer must change nothing.
                let changed = set.differs(previous);
                let Some(trust) = state.schedule.fetched(id, changed, fresh_for) else {
                    return;
                };
                set.succeed(previous);
                let recovered = state.error.take().is_some();
                let snapshot = Arc::new(Snapshot { set, trust });
                self.snapshot.store(Some(snapshot.clone()));
                // A subscriber is foreign code: not under the lock.
                drop(state);
                let skipped = snapshot.set.skipped();
                if changed && !skipped.is_empty() {
                    tracing::warn!(?skipped, "keys of the issuer were skipped");
                }
                if recovered {
                    tracing::info!("the issuer's keys are fetched again");
                }
            }
            Err(error) => {
                let Some(first) = state.schedule.failed(id, error.retry_after(), now) else {
                    return;
                };
                state.error = Some(error.clone());
                drop(state);
                if first {
                    tracing::warn!(%error, "the issuer's keys cannot be fetched");
                }
            }
        }
    }
}
