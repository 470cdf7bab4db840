//! Bounds the requests in flight. A request has its permits before its task is spawned, so that no flood
//! can create tasks.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gate::Admission;

pub(super) struct Permits {
    max_in_flight: usize,
    all: Arc<Semaphore>,
    /// Half of all: callers beyond their share never hold more.
    over_share: Arc<Semaphore>,
    /// A quarter of all: requests about tokens that strangers may have invented never hold more.
    unverified: Arc<Semaphore>,
}

/// What a request holds while it is in flight.
pub(super) struct Held {
    _of_its_kind: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Permits {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.max(1)));
        Self {
            max_in_flight,
            all: semaphore(max_in_flight),
            over_share: semaphore(max_in_flight / 2),
            unverified: semaphore(max_in_flight / 4),
        }
    }

    pub(super) fn in_use(&self) -> usize {
        self.max_in_flight
            .saturating_sub(self.all.available_permits())
    }

    pub(super) fn at_once(&self, admission: Admission) -> Option<Held> {
        let permit = |permits: &Arc<Semaphore>| permits.clone().try_acquire_owned().ok();
        let of_its_kind = match self.of_kind(admission) {
            Some(permits) => Some(permit(permits)?),
            None => None,
        };
        Some(Held {
            _of_its_kind: of_its_kind,
            _of_all: permit(&self.all)?,
        })
    }

    /// Waits for the permit of its kind first: while it waits for that, the request takes no place in
    /// the queue for all.
    pub(super) async fn wait(&self, admission: Admission) -> Option<Held> {
        let of_its_kind = match self.of_kind(admission) {
            Some(permits) => Some(permits.clone().acquire_owned().await.ok()?),
            None => None,
        };
        Some(Held {
            _of_its_kind: of_its_kind,
            _of_all: self.all.clone().acquire_owned().await.ok()?,
        })
    }

    fn of_kind(&self, admission: Admission) -> Option<&Arc<Semaphore>> {
        match admission {
            Admission::WithinShare => None,
            Admission::OverShare => Some(&self.over_share),
            Admission::Unverified => Some(&self.unverified),
        }
    }
}
