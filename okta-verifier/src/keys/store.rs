//! The keys of one issuer: pinned, or fetched as the schedule demands. Reads take no lock, one fetch is in
//! flight at a time, and each fetch runs in a task of its own that no request can cancel.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{runtime::Handle, time::timeout};

use super::{
    KeySnapshot,
    jwk::Key,
    schedule::{Decision, Need, Reason, Schedule, Trust},
    set::{Found, KeySet},
    source::{Loaded, Revision, Source},
};
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError, cause},
    health::{IssuerHealth, KeyState},
    sync::{clock::Now, single_flight::Completion},
};

/// The keys of one issuer.
#[derive(Clone, Debug)]
pub(crate) enum KeyStore {
    /// The user has given the keys. They are never fetched.
    Pinned(Arc<KeySet>),
    Fetched(Arc<FetchedKeys>),
}

/// Describes the key that verifies a token.
#[derive(Clone, Copy)]
pub(crate) struct KeyLookup<'t> {
    /// `None` for a token without a key ID.
    pub(crate) kid: Option<&'t str>,
    pub(crate) algorithm: Algorithm,
    /// When the request arrived.
    pub(crate) arrived: Now,
    /// Returns whether the token's claims would pass, so that its key is worth a fetch. It is called only
    /// if the key set lacks the key.
    pub(crate) acceptable: &'t (dyn Fn() -> bool + Sync),
    /// The only key of the set if it did not verify the signature, so that another key is needed.
    pub(crate) tried: Option<&'t Arc<Key>>,
}

impl KeyStore {
    /// Looks a key up without waiting. Returns `None` if the keys must be fetched first; in that case
    /// nothing has changed.
    pub(crate) fn find(
        &self,
        lookup: KeyLookup<'_>,
        now: Now,
    ) -> Option<Result<Arc<Key>, VerifyError>> {
        match self {
            Self::Pinned(set) => Some(lookup.find_pinned(set)),
            Self::Fetched(keys) => match keys.find(lookup, now, false) {
                Outcome::Decided(result) => Some(result),
                Outcome::Pending(_) => None,
            },
        }
    }

    /// Returns whether `key` is still trusted, or `None` if keys must be fetched first.
    pub(crate) fn trusts(&self, key: &Arc<Key>, now: Now) -> Option<Result<bool, VerifyError>> {
        match self {
            Self::Pinned(_) => Some(Ok(true)),
            Self::Fetched(keys) => match keys.trusts(key, now) {
                Outcome::Decided(result) => Some(result),
                Outcome::Pending(_) => None,
            },
        }
    }

    /// Looks a key up, and fetches the keys if necessary.
    pub(crate) async fn find_or_fetch(
        &self,
        lookup: KeyLookup<'_>,
    ) -> Result<Arc<Key>, VerifyError> {
        match self {
            Self::Pinned(set) => lookup.find_pinned(set),
            Self::Fetched(keys) => keys.wait_for(|now| keys.find(lookup, now, true)).await,
        }
    }

    /// Waits until there are trusted keys.
    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        self.wait_until(Need::Keys).await
    }

    /// Fetches the keys now, whatever their age.
    pub(crate) async fn refresh(&self) -> Result<(), VerifyError> {
        let since = Now::read().instant;
        self.wait_until(Need::Refresh { since }).await
    }

    async fn wait_until(&self, need: Need) -> Result<(), VerifyError> {
        match self {
            Self::Pinned(_) => Ok(()),
            Self::Fetched(keys) => keys.wait_for(|now| keys.satisfy(need, now)).await,
        }
    }

    /// Returns the state of the keys. Performs no I/O.
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
            Self::Fetched(keys) => keys.health(issuer, now),
        }
    }

    /// Returns the keys for another process, or `None` if they are pinned or not fetched yet.
    pub(crate) fn key_snapshot(&self, issuer: &str, now: Now) -> Option<KeySnapshot> {
        let Self::Fetched(keys) = self else {
            return None;
        };
        let current = keys.current.load_full()?;
        // The age is the larger one of both clocks, because the next process has the wall clock only.
        let age = current.trust.age(now).as_secs();
        let began = current.trust.began().unix;
        Some(KeySnapshot {
            issuer: issuer.to_owned(),
            jwks: current.document.as_ref().to_owned(),
            fetched_at: began.min(now.unix.saturating_sub(age)),
            fresh_for: current.trust.fresh_for().as_secs(),
        })
    }
}

impl KeyLookup<'_> {
    /// Returns `None` if the set lacks the key.
    fn find_in(&self, set: &KeySet) -> Option<Result<Arc<Key>, VerifyError>> {
        let found = match self.kid {
            Some(kid) => set.find(kid, self.algorithm),
            None => match set.find_only_key(self.algorithm) {
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

    fn find_pinned(&self, set: &KeySet) -> Result<Arc<Key>, VerifyError> {
        self.find_in(set).unwrap_or_else(|| Err(self.not_found()))
    }

    /// Returns the error if the issuer does not publish the key.
    fn not_found(&self) -> VerifyError {
        match self.tried {
            Some(_) => VerifyError::BadSignature,
            None => VerifyError::UnknownKeyId,
        }
    }
}

/// The keys that are fetched from one issuer.
#[derive(Debug)]
pub(crate) struct FetchedKeys {
    current: ArcSwapOption<CurrentKeys>,
    /// Locked for moments only, and never across an await.
    state: Mutex<State>,
    source: Source,
}

/// The keys in use.
#[derive(Clone, Debug)]
struct CurrentKeys {
    set: Arc<KeySet>,
    /// The key set as the issuer sent it.
    document: Arc<str>,
    revision: Option<Revision>,
    trust: Trust,
}

#[derive(Debug)]
struct State {
    schedule: Schedule,
    in_flight: Option<FetchInFlight>,
    /// The last failure.
    error: Option<UnavailableReason>,
}

/// A fetch to wait for.
#[derive(Clone, Debug)]
pub(super) struct FetchInFlight {
    id: u64,
    completion: Arc<Completion>,
}

pub(super) enum Outcome<T> {
    Decided(Result<T, VerifyError>),
    /// A fetch is needed. `None` if the call must not begin one.
    Pending(Option<FetchInFlight>),
}

impl FetchedKeys {
    /// `jitter` is a random number. `stale_if_error` is how long keys are used beyond their freshness
    /// while fetches fail.
    pub(crate) fn new(source: Source, jitter: u64, stale_if_error: Duration) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            state: Mutex::new(State {
                schedule: Schedule::new(jitter).stale_if_error(stale_if_error),
                in_flight: None,
                error: None,
            }),
            source,
        }
    }

    /// Begins with the keys of an earlier process, at their true age. Keys from the future are ignored,
    /// because a wrong clock must not extend trust.
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
            // If the machine has run for a shorter time, the age is that of the wall clock.
            instant: now.instant.checked_sub(age).unwrap_or(now.instant),
        };
        let fresh_for = Duration::from_secs(saved.fresh_for);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let trust = state.schedule.inherit(began, fresh_for);
        let restored = CurrentKeys {
            set: Arc::new(set),
            document: saved.jwks.as_str().into(),
            revision: None,
            trust,
        };
        self.current.store(Some(Arc::new(restored)));
        Ok(self)
    }

    pub(super) fn find(
        self: &Arc<Self>,
        lookup: KeyLookup<'_>,
        now: Now,
        may_fetch: bool,
    ) -> Outcome<Arc<Key>> {
        let current = self.current.load();
        let fresh = current.as_ref().filter(|keys| keys.trust.is_fresh(now));
        let result_of_fresh = fresh.and_then(|fresh| {
            let result = lookup.find_in(&fresh.set)?;
            Some((fresh.trust.is_young(now), result))
        });
        let state = match result_of_fresh {
            Some((true, result)) => return Outcome::Decided(result),
            // A fetch may be due. If another request holds the lock, that one begins the fetch, and fresh
            // keys do not wait for it.
            Some((false, result)) => match self.state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::WouldBlock) => return Outcome::Decided(result),
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
            },
            None => self.lock(),
        };
        drop(current);
        // No fetch changes the keys under the lock, so that the set and the schedule belong together.
        let found = self
            .current
            .load()
            .as_ref()
            .and_then(|current| lookup.find_in(&current.set));
        let need = match found {
            Some(_) => Need::Keys,
            None => Need::UnknownKey {
                arrived: lookup.arrived.instant,
                acceptable: (lookup.acceptable)(),
            },
        };
        let decision = state.schedule.decide(need, now);
        let found = found.unwrap_or_else(|| Err(lookup.not_found()));
        self.carry_out(decision, found, state, now, may_fetch)
    }

    /// Returns whether the issuer still publishes `key`, for a token that was verified with it. The
    /// decision is that of [`find`](Self::find), without a search for young keys.
    pub(super) fn trusts(self: &Arc<Self>, key: &Arc<Key>, now: Now) -> Outcome<bool> {
        let current = self.current.load();
        if current
            .as_ref()
            .is_some_and(|keys| keys.trust.is_young(now))
        {
            return Outcome::Decided(Ok(!key.is_retired()));
        }
        drop(current);
        let lookup = KeyLookup {
            kid: key.kid.as_deref(),
            algorithm: key.algorithm,
            arrived: now,
            // If the key is gone, the token is verified again, and that may use the fetch budget.
            acceptable: &|| false,
            tried: None,
        };
        match self.find(lookup, now, false) {
            Outcome::Decided(Ok(found)) => Outcome::Decided(Ok(Arc::ptr_eq(&found, key))),
            // The keys are unavailable now, but the next ones may include this one.
            Outcome::Decided(Err(unavailable @ VerifyError::Unavailable { .. })) => {
                Outcome::Decided(Err(unavailable))
            }
            Outcome::Decided(Err(_)) => Outcome::Decided(Ok(false)),
            Outcome::Pending(fetch) => Outcome::Pending(fetch),
        }
    }

    pub(super) fn satisfy(self: &Arc<Self>, need: Need, now: Now) -> Outcome<()> {
        let state = self.lock();
        let decision = state.schedule.decide(need, now);
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
            Decision::Serve | Decision::Reject => Outcome::Decided(found),
            Decision::ServeAndFetch => {
                // Without a runtime the current keys are still used.
                let _ = self.begin_fetch(state, Reason::Age, now);
                Outcome::Decided(found)
            }
            Decision::Wait => Outcome::Pending(state.in_flight.clone()),
            Decision::Fetch(_) if !may_fetch => Outcome::Pending(None),
            Decision::Fetch(reason) => match self.begin_fetch(state, reason, now) {
                Ok(fetch) => Outcome::Pending(Some(fetch)),
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

    /// Begins a fetch in a task of the current runtime, so that a dropped request does not cancel it.
    fn begin_fetch(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        reason: Reason,
        now: Now,
    ) -> Result<FetchInFlight, UnavailableReason> {
        let runtime = Handle::try_current().map_err(|_| UnavailableReason::NoRuntime)?;
        let fetch = FetchInFlight {
            id: state.schedule.began(reason, now),
            completion: Arc::default(),
        };
        state.in_flight = Some(fetch.clone());
        // A runtime that is shutting down drops the task during `spawn`, which takes the lock.
        drop(state);
        let task = FetchTask {
            keys: self.clone(),
            fetch: fetch.clone(),
        };
        runtime.spawn(task.run(now));
        Ok(fetch)
    }

    pub(super) async fn wait_for<T>(
        &self,
        decide: impl Fn(Now) -> Outcome<T>,
    ) -> Result<T, VerifyError> {
        for _ in 0..MAX_ROUNDS {
            match decide(Now::read()) {
                Outcome::Decided(result) => return result,
                Outcome::Pending(None) => {}
                Outcome::Pending(Some(FetchInFlight { id, completion })) => {
                    if Handle::try_current().is_err() {
                        return Err(VerifyError::unavailable(
                            Duration::ZERO,
                            UnavailableReason::NoRuntime,
                        ));
                    }
                    // The task has a timeout of its own. This one is for a task whose runtime is blocked.
                    if timeout(self.source.deadline + GRACE, completion.wait())
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

    fn record_result(&self, id: u64, result: Result<Loaded, UnavailableReason>) {
        match result {
            Ok(loaded) => self.record_success(id, loaded),
            Err(error) => self.record_failure(id, error),
        }
    }

    fn record_success(&self, id: u64, loaded: Loaded) {
        let mut state = self.lock();
        let Some((next, changed)) = self.next_keys(id, loaded, &mut state.schedule) else {
            return;
        };
        let next = Arc::new(next);
        self.current.store(Some(next.clone()));
        let recovered = state.error.take().is_some();
        // A subscriber is foreign code, which does not run under the lock.
        drop(state);
        let skipped = next.set.skipped();
        let issuer = self.source.issuer();
        if changed && !skipped.is_empty() {
            tracing::warn!(issuer, %skipped, "keys of the issuer were skipped");
        }
        if recovered {
            tracing::info!(issuer, "key fetch recovered");
        }
    }

    /// Returns the keys that replace the current ones, and whether they differ. Returns `None` for a
    /// response that comes too late, which must change nothing.
    fn next_keys(
        &self,
        id: u64,
        loaded: Loaded,
        schedule: &mut Schedule,
    ) -> Option<(CurrentKeys, bool)> {
        let previous = self.current.load_full();
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
                    set.replace(&previous.set);
                }
                let next = CurrentKeys {
                    set: Arc::new(set),
                    document: document.into(),
                    revision,
                    trust,
                };
                Some((next, changed))
            }
            Loaded::Unchanged { fresh_for } => {
                let previous = previous?;
                let fresh_for = fresh_for.unwrap_or(previous.trust.fresh_for());
                let trust = schedule.fetched(id, fresh_for)?;
                let next = CurrentKeys {
                    trust,
                    ..CurrentKeys::clone(&previous)
                };
                Some((next, false))
            }
        }
    }

    fn record_failure(&self, id: u64, error: UnavailableReason) {
        let now = Now::read();
        let mut state = self.lock();
        let Some(is_first) = state.schedule.failed(id, error.retry_after(), now) else {
            return;
        };
        state.error = Some(error.clone());
        drop(state);
        if is_first {
            let (issuer, cause) = (self.source.issuer(), cause(&error));
            tracing::warn!(issuer, %error, cause, "key fetch failed");
        }
    }

    fn health(&self, issuer: String, now: Now) -> IssuerHealth {
        // No fetch changes the keys under the lock, so that the set and the schedule belong together.
        let state = self.lock();
        let current = self.current.load_full();
        let trust = current.as_ref().map(|current| current.trust);
        IssuerHealth {
            issuer,
            state: state.schedule.outlook(now),
            key_ids: current
                .as_ref()
                .map(|current| key_ids(&current.set))
                .unwrap_or_default(),
            age: trust.map(|trust| trust.age(now)),
            fresh_for: trust.map(|trust| trust.fresh_for()),
            last_success: trust.map(|trust| trust.began().wall()),
            last_error: state.error.clone(),
            introspection: None,
        }
    }

    /// Calls `act` while the lock is held.
    #[cfg(test)]
    pub(super) fn while_locked<R>(&self, act: impl FnOnce() -> R) -> R {
        let _state = self.lock();
        act()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of a fetch. However it ends, the requests that wait for it are woken.
struct FetchTask {
    keys: Arc<FetchedKeys>,
    fetch: FetchInFlight,
}

impl FetchTask {
    async fn run(self, now: Now) {
        let source = &self.keys.source;
        let current = self.keys.current.load_full();
        let revision = current
            .as_ref()
            .and_then(|current| current.revision.as_ref());
        let result = timeout(source.deadline, source.load(now, revision))
            .await
            .unwrap_or(Err(UnavailableReason::Timeout));
        // A suspended process loses its connections, so that a failure says nothing about the issuer: the
        // fetch is abandoned when this is dropped.
        if result.is_err() && Now::read().shows_suspension(now, source.deadline) {
            let issuer = source.issuer();
            tracing::debug!(issuer, "key fetch abandoned: the process was suspended");
            return;
        }
        self.keys.record_result(self.fetch.id, result);
    }
}

impl Drop for FetchTask {
    fn drop(&mut self) {
        let id = self.fetch.id;
        if std::thread::panicking() {
            // The next fetch would panic too, so the schedule backs off as after any other failure.
            self.keys.record_failure(id, UnavailableReason::Abandoned);
        }
        let mut state = self.keys.lock();
        // Has no effect after a recorded result. Otherwise the runtime has dropped the task.
        state.schedule.abandoned(id);
        state.in_flight.take_if(|fetch| fetch.id == id);
        drop(state);
        self.fetch.completion.complete();
    }
}

fn key_ids(set: &KeySet) -> Vec<String> {
    set.keys()
        .iter()
        .filter_map(|key| Some(key.kid.as_deref()?.to_owned()))
        .collect()
}

/// The fetch in flight, one that this request begins, and one for each of two runtimes that end.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
