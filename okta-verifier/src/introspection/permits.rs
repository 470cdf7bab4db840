//! Limits the introspection requests in flight. A request acquires its permits before its task is spawned,
//! so a flood of requests cannot create tasks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate_limits::Admission;

pub(super) struct Permits {
    max_in_flight: usize,
    all: Arc<Semaphore>,
    /// Half of all permits, for requests of clients beyond their share.
    over_client_share: Arc<Semaphore>,
    /// Three quarters of `over_client_share`, for requests of subjects beyond their share. These requests
    /// also need a permit of `over_client_share`.
    over_subject_share: Arc<Semaphore>,
    /// A quarter of all permits, for requests about tokens that strangers may have invented.
    unverified: Arc<Semaphore>,
    clients: Arc<Clients>,
    /// The maximum number of requests within its share that one client may have in flight: an eighth of all
    /// permits, and at least 1.
    per_client: usize,
}

/// The number of requests within its share that each client has in flight. The rate limits decide when
/// requests begin, not how long they last, so without this count one client with slow requests could hold
/// every permit.
#[derive(Default)]
struct Clients(Mutex<HashMap<u64, usize>>);

/// The permits that a request holds while it is in flight.
pub(super) struct HeldPermits {
    _share: Option<ClientPermit>,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Permits {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.max(1)));
        Self {
            max_in_flight,
            all: semaphore(max_in_flight),
            over_client_share: semaphore(max_in_flight / 2),
            over_subject_share: semaphore(max_in_flight * 3 / 8),
            unverified: semaphore(max_in_flight / 4),
            clients: Arc::default(),
            per_client: (max_in_flight / 8).max(1),
        }
    }

    pub(super) fn in_use(&self) -> usize {
        self.max_in_flight
            .saturating_sub(self.all.available_permits())
    }

    /// Returns the permits, or `None` unless all of them are available now. `client` is the hash of the
    /// token's client.
    pub(super) fn try_acquire(
        &self,
        admission: Admission,
        client: Option<u64>,
    ) -> Option<HeldPermits> {
        let (share, semaphores) = self.required(admission, client);
        let permits = semaphores
            .into_iter()
            .map(|semaphore| semaphore.clone().try_acquire_owned().ok())
            .collect::<Option<_>>()?;
        Some(HeldPermits {
            _share: share,
            _permits: permits,
        })
    }

    /// Waits for the permits. Returns `None` only if a semaphore is closed, which never happens. The permit
    /// of `all` is acquired last, so that a request does not hold it while it waits for the permits of its
    /// kind.
    pub(super) async fn acquire(
        &self,
        admission: Admission,
        client: Option<u64>,
    ) -> Option<HeldPermits> {
        let (share, semaphores) = self.required(admission, client);
        let mut permits = Vec::with_capacity(semaphores.len());
        for semaphore in semaphores {
            permits.push(semaphore.clone().acquire_owned().await.ok()?);
        }
        Some(HeldPermits {
            _share: share,
            _permits: permits,
        })
    }

    /// Returns the permits that a request needs, in the order in which they are acquired.
    fn required(
        &self,
        admission: Admission,
        client: Option<u64>,
    ) -> (Option<ClientPermit>, Vec<&Arc<Semaphore>>) {
        match admission {
            Admission::WithinShare => {
                let share = client.and_then(|client| self.clients.acquire(client, self.per_client));
                match share {
                    Some(share) => (Some(share), vec![&self.all]),
                    None => (None, vec![&self.over_client_share, &self.all]),
                }
            }
            Admission::OverClientShare => (None, vec![&self.over_client_share, &self.all]),
            Admission::OverSubjectShare => (
                None,
                vec![&self.over_subject_share, &self.over_client_share, &self.all],
            ),
            Admission::Unverified => (None, vec![&self.unverified, &self.all]),
        }
    }
}

impl Clients {
    fn acquire(self: &Arc<Self>, client: u64, limit: usize) -> Option<ClientPermit> {
        let mut clients = self.lock();
        let requests = clients.entry(client).or_default();
        if *requests >= limit {
            return None;
        }
        *requests += 1;
        Some(ClientPermit {
            clients: self.clone(),
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one request in flight against the share of the token's client. Dropping the permit ends the
/// count.
struct ClientPermit {
    clients: Arc<Clients>,
    client: u64,
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        let mut clients = self.clients.lock();
        if let Some(requests) = clients.get_mut(&self.client) {
            *requests -= 1;
            if *requests == 0 {
                clients.remove(&self.client);
            }
        }
    }
}
