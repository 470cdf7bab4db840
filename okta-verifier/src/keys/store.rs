//! Runs the schedule: reads without lock, one fetch at a time, each in a task of its own that no
//! caller can cancel.

mod landing;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{runtime::Handle, time::timeout};

use self::landing::Landing;
use super::{
    flight::Flight,
    key::Key,
    schedule::{Decision, Read, Reason, Schedule, Trust},
    set::{Found, KeySet},
    source::Source,
};
use crate::{
    algorithm::Algorithm,
    error::{FetchError, VerifyError},
    time::Now,
};

/// The keys of one issuer.
#[derive(Clone, Debug)]
pub(crate) enum KeyStore {
    /// Given by the user; never fetched.
    Pinned(Arc<KeySet>),
    Fetched(Arc<Store>),
}

/// Names the key that a token wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'t> {
    pub(crate) kid: &'t str,
    pub(crate) algorithm: Algorithm,
    /// When the request came.
    pub(crate) arrived: Now,
}

impl KeyStore {
    pub(crate) fn fetched(source: Source, jitter: u64) -> Self {
        Self::Fetched(Arc::new(Store {
            snapshot: ArcSwapOption::empty(),
            state: Mutex::new(State {
                schedule: Schedule::new(jitter),
                flight: None,
                error: None,
            }),
            source,
            hasher: RandomState::new(),
        }))
    }

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

    /// Decides, and fetches the keys for it where it must.
    pub(crate) async fn find_or_fetch(&self, wanted: Wanted<'_>) -> Result<Arc<Key>, VerifyError> {
        match self {
            Self::Pinned(set) => in_pinned(set, wanted),
            Self::Fetched(store) => store.wait_for(|now| store.find(wanted, now, true)).await,
        }
    }

    /// Returns once there are keys that are trusted.
    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        match self {
            Self::Pinned(_) => Ok(()),
            Self::Fetched(store) => store.wait_for(|now| store.ready(now)).await,
        }
    }
}

fn in_pinned(set: &KeySet, wanted: Wanted<'_>) -> Result<Arc<Key>, VerifyError> {
    key_or_refusal(set.find(wanted.kid, wanted.algorithm)).unwrap_or(Err(VerifyError::UnknownKeyId))
}

/// `None`: the set has no such `kid`.
fn key_or_refusal(found: Found) -> Option<Result<Arc<Key>, VerifyError>> {
    match found {
        Found::Key(key) => Some(Ok(key)),
        Found::OtherAlgorithm => Some(Err(VerifyError::AlgorithmMismatch)),
        Found::Nothing => None,
    }
}

/// The fetched keys of one issuer.
#[derive(Debug)]
pub(crate) struct Store {
    snapshot: ArcSwapOption<Snapshot>,
    /// Locked for moments only, and never over an await.
    state: Mutex<State>,
    source: Source,
    /// Keyed at random: nobody can make a `kid` that collides with another one.
    hasher: RandomState,
}

#[derive(Debug)]
struct Snapshot {
    set: KeySet,
    trust: Trust,
}

#[derive(Debug)]
struct State {
    schedule: Schedule,
    flight: Option<Boarding>,
    /// The last failure.
    error: Option<FetchError>,
}

/// A fetch to wait for.
#[derive(Clone, Debug)]
struct Boarding {
    id: u64,
    flight: Arc<Flight>,
}

enum Outcome<T> {
    Decided(Result<T, VerifyError>),
    /// A fetch is needed; with a flight to wait for unless none was to be begun.
    Pending(Option<Boarding>),
}

impl Store {
    fn find(self: &Arc<Self>, wanted: Wanted<'_>, now: Now, may_fetch: bool) -> Outcome<Arc<Key>> {
        let Wanted {
            kid,
            algorithm,
            arrived,
        } = wanted;
        let snapshot = self.snapshot.load();
        if let Some(snapshot) = snapshot.as_ref()
            && snapshot.trust.is_young(now)
            && let Some(result) = key_or_refusal(snapshot.set.find(kid, algorithm))
        {
            return Outcome::Decided(result);
        }
        drop(snapshot);

        let mut state = self.lock();
        // Under the lock no fetch lands: the set and the schedule belong together.
        let found = self
            .snapshot
            .load()
            .as_ref()
            .and_then(|snapshot| key_or_refusal(snapshot.set.find(kid, algorithm)));
        let read = match found {
            Some(_) => Read::Known,
            None => Read::Unknown {
                kid: self.hasher.hash_one(kid),
                arrived: arrived.instant,
            },
        };
        let decision = state.schedule.decide(read, now);
        if let (Decision::Refuse, Read::Unknown { kid, .. }) = (decision, read) {
            state.schedule.refuse(kid, now);
        }
        self.carry_out(decision, found, state, now, may_fetch)
    }

    fn ready(self: &Arc<Self>, now: Now) -> Outcome<()> {
        let state = self.lock();
        let decision = state.schedule.decide(Read::Known, now);
        self.carry_out(decision, Some(Ok(())), state, now, true)
    }

    fn carry_out<T>(
        self: &Arc<Self>,
        decision: Decision,
        found: Option<Result<T, VerifyError>>,
        state: MutexGuard<'_, State>,
        now: Now,
        may_fetch: bool,
    ) -> Outcome<T> {
        let found = found.unwrap_or(Err(VerifyError::UnknownKeyId));
        match decision {
            Decision::Serve | Decision::Refuse => Outcome::Decided(found),
            Decision::ServeAndFetch => {
                // Without a runtime the keys at hand still serve.
                let _ = self.depart(state, Reason::Age, now);
                Outcome::Decided(found)
            }
            Decision::Wait => Outcome::Pending(state.flight.clone()),
            Decision::Fetch(_) if !may_fetch => Outcome::Pending(None),
            Decision::Fetch(reason) => match self.depart(state, reason, now) {
                Ok(boarding) => Outcome::Pending(Some(boarding)),
                Err(source) => Outcome::Decided(Err(unavailable(Duration::ZERO, source))),
            },
            Decision::Unavailable {
                retry_after,
                budget_spent,
            } => {
                let source = match &state.error {
                    Some(error) if !budget_spent => error.clone(),
                    _ => FetchError::BudgetSpent,
                };
                Outcome::Decided(Err(unavailable(retry_after, source)))
            }
        }
    }

    /// Begins a fetch in a task of the current runtime: a caller that goes away takes nothing
    /// with it.
    fn depart(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        reason: Reason,
        now: Now,
    ) -> Result<Boarding, FetchError> {
        let runtime = Handle::try_current().map_err(|_| FetchError::NoRuntime)?;
        let id = state.schedule.began(reason, now);
        let boarding = Boarding {
            id,
            flight: Arc::default(),
        };
        state.flight = Some(boarding.clone());
        // A runtime that is shutting down drops the task here and now, which takes the lock.
        drop(state);
        let landing = Landing {
            store: self.clone(),
            boarding: boarding.clone(),
        };
        runtime.spawn(landing.run(now));
        Ok(boarding)
    }

    async fn wait_for<T>(&self, ask: impl Fn(Now) -> Outcome<T>) -> Result<T, VerifyError> {
        for _ in 0..MAX_ROUNDS {
            match ask(Now::read()) {
                Outcome::Decided(result) => return result,
                Outcome::Pending(None) => {}
                Outcome::Pending(Some(Boarding { id, flight })) => {
                    if Handle::try_current().is_err() {
                        return Err(unavailable(Duration::ZERO, FetchError::NoRuntime));
                    }
                    // The task has a deadline of its own; this one is for a task whose runtime
                    // stands still.
                    if timeout(self.source.deadline + GRACE, flight.wait())
                        .await
                        .is_err()
                    {
                        self.lock().schedule.abandoned(id);
                    }
                }
            }
        }
        Err(unavailable(Duration::ZERO, FetchError::Abandoned))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(retry_after: Duration, source: FetchError) -> VerifyError {
    VerifyError::Unavailable {
        retry_after,
        source,
    }
}

/// The fetch under way, one of its own, and one more for each runtime that ended.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
