//! Runs the schedule: reads without lock, one fetch at a time, each in a task of its own that no
//! caller can cancel.

mod landing;
mod report;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{runtime::Handle, time::timeout};

use self::landing::Landing;
use super::{
    jwk::Key,
    schedule::{Decision, Read, Reason, Schedule, Trust},
    set::{Found, KeySet},
    source::{Revision, Source},
};
use crate::sync::single_flight::Flight;
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError},
    sync::clock::Now,
};

/// Names the key that a token wants.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'t> {
    /// `None` for a token that names no key.
    pub(crate) kid: Option<&'t str>,
    pub(crate) algorithm: Algorithm,
    /// When the request came.
    pub(crate) arrived: Now,
    /// Whether the token's claims would pass, so that its key is worth a fetch. Called only if the
    /// key is unknown.
    pub(crate) acceptable: &'t (dyn Fn() -> bool + Sync),
    /// The only key of the set, if it did not verify the signature: another one is wanted.
    pub(crate) tried: Option<&'t Arc<Key>>,
}

impl Wanted<'_> {
    /// `None`: the set lacks the key.
    pub(super) fn find_in(&self, set: &KeySet) -> Option<Result<Arc<Key>, VerifyError>> {
        let found = match self.kid {
            Some(kid) => set.find(kid, self.algorithm),
            None => match set.find_lone(self.algorithm) {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            },
        };
        match found {
            Found::Key(key) if self.tried.is_some_and(|tried| Arc::ptr_eq(tried, &key)) => None,
            Found::Key(key) => Some(Ok(key)),
            Found::OtherAlgorithm => Some(Err(VerifyError::AlgorithmMismatch)),
            Found::Nothing => None,
        }
    }

    /// The refusal if the issuer does not publish the key.
    pub(super) fn absent(&self) -> VerifyError {
        match self.tried {
            Some(_) => VerifyError::BadSignature,
            None => VerifyError::UnknownKeyId,
        }
    }
}

/// The fetched keys of one issuer.
#[derive(Debug)]
pub(crate) struct Store {
    snapshot: ArcSwapOption<Snapshot>,
    /// Locked for moments only, and never over an await.
    state: Mutex<State>,
    source: Source,
}

/// The keys in use.
#[derive(Clone, Debug)]
struct Snapshot {
    set: Arc<KeySet>,
    /// As the issuer sent them.
    document: Arc<str>,
    revision: Option<Revision>,
    trust: Trust,
}

#[derive(Debug)]
struct State {
    schedule: Schedule,
    flight: Option<Boarding>,
    /// The last failure.
    error: Option<UnavailableReason>,
}

/// A fetch to wait for.
#[derive(Clone, Debug)]
pub(super) struct Boarding {
    id: u64,
    flight: Arc<Flight>,
}

pub(super) enum Outcome<T> {
    Decided(Result<T, VerifyError>),
    /// A fetch is needed; with a flight to wait for unless none was to be begun.
    Pending(Option<Boarding>),
}

impl Store {
    /// `jitter` is a random number; `stale_if_error` how long past their freshness keys serve
    /// while fetches fail.
    pub(crate) fn new(source: Source, jitter: u64, stale_if_error: Duration) -> Self {
        Self {
            snapshot: ArcSwapOption::empty(),
            state: Mutex::new(State {
                schedule: Schedule::new(jitter).stale_if_error(stale_if_error),
                flight: None,
                error: None,
            }),
            source,
        }
    }

    pub(super) fn find(
        self: &Arc<Self>,
        wanted: Wanted<'_>,
        now: Now,
        may_fetch: bool,
    ) -> Outcome<Arc<Key>> {
        let snapshot = self.snapshot.load();
        let fresh = snapshot.as_ref().filter(|held| held.trust.is_fresh(now));
        let known = fresh.and_then(|fresh| {
            let result = wanted.find_in(&fresh.set)?;
            Some((fresh.trust.is_young(now), result))
        });
        let state = match known {
            Some((true, result)) => return Outcome::Decided(result),
            // A fetch may be due. Where somebody sees to that already, fresh keys do not wait.
            Some((false, result)) => match self.state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::WouldBlock) => return Outcome::Decided(result),
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
            },
            None => self.lock(),
        };
        drop(snapshot);
        // Under the lock no fetch lands: the set and the schedule belong together.
        let found = self
            .snapshot
            .load()
            .as_ref()
            .and_then(|snapshot| wanted.find_in(&snapshot.set));
        let read = match found {
            Some(_) => Read::Known,
            None => Read::Unknown {
                arrived: wanted.arrived.instant,
                acceptable: (wanted.acceptable)(),
            },
        };
        let decision = state.schedule.decide(read, now);
        let found = found.unwrap_or_else(|| Err(wanted.absent()));
        self.carry_out(decision, found, state, now, may_fetch)
    }

    /// Whether `key` is still the issuer's, for a token that was verified with it; `None` when
    /// keys must be fetched first. Decided like [`find`](Self::find), without its search.
    pub(super) fn trusts(self: &Arc<Self>, key: &Arc<Key>, now: Now) -> Outcome<bool> {
        let held = self.snapshot.load();
        if held.as_ref().is_some_and(|held| held.trust.is_young(now)) {
            return Outcome::Decided(Ok(!key.is_retired()));
        }
        drop(held);
        let wanted = Wanted {
            kid: key.kid.as_deref(),
            algorithm: key.algorithm,
            arrived: now,
            // If the key is gone the token is verified anew, and that may spend a fetch.
            acceptable: &|| false,
            tried: None,
        };
        match self.find(wanted, now, false) {
            Outcome::Decided(Ok(found)) => Outcome::Decided(Ok(Arc::ptr_eq(&found, key))),
            // Nothing is known of the key now; it may be the same again.
            Outcome::Decided(Err(unavailable @ VerifyError::Unavailable { .. })) => {
                Outcome::Decided(Err(unavailable))
            }
            Outcome::Decided(Err(_)) => Outcome::Decided(Ok(false)),
            Outcome::Pending(boarding) => Outcome::Pending(boarding),
        }
    }

    pub(super) fn ready(self: &Arc<Self>, read: Read, now: Now) -> Outcome<()> {
        let state = self.lock();
        let decision = state.schedule.decide(read, now);
        self.carry_out(decision, Ok(()), state, now, true)
    }

    fn carry_out<T>(
        self: &Arc<Self>,
        decision: Decision,
        found: Result<T, VerifyError>,
        state: MutexGuard<'_, State>,
        now: Now,
        may_fetch: bool,
    ) -> Outcome<T> {
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
                Err(source) => {
                    Outcome::Decided(Err(VerifyError::unavailable(Duration::ZERO, source)))
                }
            },
            Decision::Unavailable { retry_after } => {
                let source = state.error.clone().unwrap_or(UnavailableReason::Abandoned);
                Outcome::Decided(Err(VerifyError::unavailable(retry_after, source)))
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
    ) -> Result<Boarding, UnavailableReason> {
        let runtime = Handle::try_current().map_err(|_| UnavailableReason::NoRuntime)?;
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

    pub(super) async fn wait_for<T>(
        &self,
        ask: impl Fn(Now) -> Outcome<T>,
    ) -> Result<T, VerifyError> {
        for _ in 0..MAX_ROUNDS {
            match ask(Now::read()) {
                Outcome::Decided(result) => return result,
                Outcome::Pending(None) => {}
                Outcome::Pending(Some(Boarding { id, flight })) => {
                    if Handle::try_current().is_err() {
                        return Err(VerifyError::unavailable(
                            Duration::ZERO,
                            UnavailableReason::NoRuntime,
                        ));
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
        Err(VerifyError::unavailable(
            Duration::ZERO,
            UnavailableReason::Abandoned,
        ))
    }

    /// Does `act` while somebody else holds the lock.
    #[cfg(test)]
    pub(super) fn while_busy<R>(&self, act: impl FnOnce() -> R) -> R {
        let _state = self.lock();
        act()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fetch under way, one of its own, and one more for each runtime that ended.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
