//! Limits the requests in flight. A request has its permits before its task is spawned, so that a flood
//! cannot create tasks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate_limits::Admission;

pub(super) struct Permits {
    max_in_flight: usize,
    all: Arc<Semaphore>,
    /// Half of all permits, for clients beyond their share.
    over_client_share: Arc<Semaphore>,
    /// Three quarters of that half, for subjects beyond their share, whose requests hold a permit of both.
    over_subject_share: Arc<Semaphore>,
    /// A quarter of all permits, for tokens that strangers may have invented.
    unverified: Arc<Semaphore>,
    clients: Arc<Clients>,
    /// How many requests of one client count as within its share: an eighth of all.
    per_client: usize,
}

/// How many requests within its share each client has in flight. The share of the rate alone would let
/// one client whose requests take long hold every permit.
#[derive(Default)]
struct Clients(Mutex<HashMap<u64, usize>>);

/// The permits that a request holds while it is in flight.
pub(super) struct Held {
    _place: Option<Place>,
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

    /// Returns the permits if they are available now. `client` is the hash of the token's client.
    pub(super) fn at_once(&self, admission: Admission, client: Option<u64>) -> Option<Held> {
        let (place, semaphores) = self.of(admission, client);
        let permits = semaphores
            .into_iter()
            .map(|semaphore| semaphore.clone().try_acquire_owned().ok())
            .collect::<Option<_>>()?;
        Some(Held {
            _place: place,
            _permits: permits,
        })
    }

    /// Waits for the permits of the request's own kind first, so that it takes no place in the queue for
    /// all permits meanwhile.
    pub(super) async fn wait(&self, admission: Admission, client: Option<u64>) -> Option<Held> {
        let (place, semaphores) = self.of(admission, client);
        let mut permits = Vec::with_capacity(semaphores.len());
        for semaphore in semaphores {
            permits.push(semaphore.clone().acquire_owned().await.ok()?);
        }
        Some(Held {
            _place: place,
            _permits: permits,
        })
    }

    /// Returns what a request needs, in the order in which it is acquired.
    fn of(
        &self,
        admission: Admission,
        client: Option<u64>,
    ) -> (Option<Place>, Vec<&Arc<Semaphore>>) {
        match admission {
            Admission::WithinShare => {
                let place = client.and_then(|client| self.clients.enter(client, self.per_client));
                match place {
                    Some(place) => (Some(place), vec![&self.all]),
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
    fn enter(self: &Arc<Self>, client: u64, most: usize) -> Option<Place> {
        let mut clients = self.lock();
        let requests = clients.entry(client).or_default();
        if *requests >= most {
            return None;
        }
        *requests += 1;
        Some(Place {
            clients: self.clone(),
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request of a client within its share.
struct Place {
    clients: Arc<Clients>,
    client: u64,
}

impl Drop for Place {
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
