//! The keys of one issuer: pinned, or fetched according to the schedule. A look-up that finds its key among
//! fresh keys never waits for a lock. At most one fetch is in flight, and it runs in a separate task, so
//! that a dropped request cannot cancel it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{runtime::Handle, time::timeout};
use tracing::Instrument;

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
    net::{FetchSpan, IssuerClock},
    stats::IssuerCounters,
    sync::{clock::Now, single_flight::Completion},
};

/// The keys of one issuer.
#[derive(Clone, Debug)]
pub(crate) enum KeyStore {
    /// The keys were set with `Issuer::keys`. They are never fetched.
    Pinned(Arc<KeySet>),
    Fetched(Arc<FetchedKeys>),
}

/// Describes the key that verifies a token.
#[derive(Clone, Copy)]
pub(crate) struct KeyLookup<'t> {
    /// The token's `kid`, or `None` if the token has none.
    pub(crate) kid: Option<&'t str>,
    pub(crate) algorithm: Algorithm,
    /// When the request arrived.
    pub(crate) arrived: Now,
    /// Returns whether the token's claims would be accepted. Only then may its unknown key cause a fetch.
    /// Called only if the key set lacks the key.
    pub(crate) acceptable: &'t (dyn Fn() -> bool + Sync),
    /// The only key of the set, if this key did not verify the signature of a token without `kid`. The
    /// look-up is then for another key.
    pub(crate) tried: Option<&'t Arc<Key>>,
}

impl KeyStore {
    /// Looks up a key without waiting. Returns `None` if the keys must be fetched first, and then has no
    /// effect.
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

    /// Looks up a key in the current key set, without any effect on the schedule. Returns `None` if there are no
    /// keys, or none that are still fresh unless `may_be_stale`.
    #[cfg(feature = "explain")]
    pub(crate) fn look_at(
        &self,
        lookup: KeyLookup<'_>,
        may_be_stale: bool,
        now: Now,
    ) -> Option<Result<Arc<Key>, VerifyError>> {
        match self {
            Self::Pinned(set) => Some(lookup.find_pinned(set)),
            Self::Fetched(keys) => {
                let current = keys.current.load();
                let current = current.as_ref()?;
                (may_be_stale || current.trust.is_fresh(now))
                    .then(|| lookup.find_pinned(&current.set))
            }
        }
    }

    /// Returns whether `key` is still trusted, or `None` if the keys must be fetched first.
    #[inline]
    pub(crate) fn trusts(&self, key: &Arc<Key>, now: Now) -> Option<Result<bool, VerifyError>> {
        match self {
            Self::Pinned(_) => Some(Ok(true)),
            // A token may be cached after its key was withdrawn, so this check is made at every cache hit.
            Self::Fetched(keys) if keys.is_young(now) => Some(Ok(!key.is_retired())),
            Self::Fetched(keys) => match keys.still_has(key, now) {
                Outcome::Decided(result) => Some(result),
                Outcome::Pending(_) => None,
            },
        }
    }

    /// Looks up a key, and fetches the keys if necessary.
    pub(crate) async fn find_or_fetch(
        &self,
        lookup: KeyLookup<'_>,
    ) -> Result<Arc<Key>, VerifyError> {
        match self {
            Self::Pinned(set) => lookup.find_pinned(set),
            Self::Fetched(keys) => keys.wait_for(|now| keys.find(lookup, now, true)).await,
        }
    }

    /// Begins a fetch if a request for a token with a known key would begin one or wait for one. Does not
    /// wait itself. Does nothing if the keys are pinned.
    pub(crate) fn keep_fresh(&self, now: Now) {
        if let Self::Fetched(keys) = self
            && !keys.is_young(now)
        {
            // Neither the result nor an error concerns the caller.
            let _ = keys.satisfy(Need::Keys, now);
        }
    }

    /// Fetches the keys if there are no trusted ones, and waits for the result. Does nothing if the keys
    /// are pinned.
    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        self.wait_until(Need::Keys).await
    }

    /// Fetches the keys now, whatever their age, and waits for the result. Does nothing if the keys are
    /// pinned.
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

    /// Returns the clock of the issuer, or `None` if the keys are pinned.
    pub(crate) fn clock(&self) -> Option<&Arc<IssuerClock>> {
        match self {
            Self::Pinned(_) => None,
            Self::Fetched(keys) => keys.source.clock(),
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
                skipped_keys: set.skipped().explanations(),
                age: None,
                fresh_for: None,
                last_success: None,
                last_error: None,
                is_resolved: false,
                clock_difference: None,
                introspection: None,
                revocation: None,
            },
            Self::Fetched(keys) => keys.health(issuer, now),
        }
    }

    /// Returns the keys to save for another process, or `None` if they are pinned or not fetched yet.
    pub(crate) fn key_snapshot(&self, issuer: &str, now: Now) -> Option<KeySnapshot> {
        let Self::Fetched(keys) = self else {
            return None;
        };
        let current = keys.current.load_full()?;
        // The age is the larger one of the ages on both clocks. The snapshot states the age on the wall
        // clock, because it is the only clock that this process and the next one have in common.
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
    /// Looks up the key in `set`. Returns `None` if the set lacks the key.
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

    /// Returns the error for a key that the issuer does not publish.
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
    /// Locked only briefly, and never across an await.
    state: Mutex<State>,
    source: Source,
    counters: Arc<IssuerCounters>,
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
    /// Why the last fetch failed, or `None` if it was successful.
    error: Option<UnavailableReason>,
}

/// A fetch that requests can wait for.
#[derive(Clone, Debug)]
pub(super) struct FetchInFlight {
    id: u64,
    completion: Arc<Completion>,
}

pub(super) enum Outcome<T> {
    Decided(Result<T, VerifyError>),
    /// The result depends on this fetch. `None` if a fetch is needed but the call must not begin one.
    Pending(Option<FetchInFlight>),
}

impl FetchedKeys {
    /// Returns a store without keys. `jitter` is a random number. `stale_if_error` is how long keys are
    /// used beyond their freshness while fetches fail.
    pub(crate) fn new(
        source: Source,
        jitter: u64,
        stale_if_error: Duration,
        counters: Arc<IssuerCounters>,
    ) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            state: Mutex::new(State {
                schedule: Schedule::new(jitter).stale_if_error(stale_if_error),
                in_flight: None,
                error: None,
            }),
            source,
            counters,
        }
    }

    /// Starts with the keys of an earlier process. Their age counts from the original fetch. Keys whose
    /// `fetched_at` is in the future are ignored, because a wrong clock must not extend their lifetime.
    ///
    /// # Errors
    ///
    /// Returns an error if the key set of the snapshot is malformed or has no usable key.
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
            // The monotonic clock may not reach back that far. The age is then measured on the wall clock
            // only.
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
            // A fetch may be due. If another request holds the lock, that request begins the fetch. This
            // request uses the fresh keys and does not wait.
            Some((false, result)) => match self.state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::WouldBlock) => return Outcome::Decided(result),
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
            },
            None => self.lock(),
        };
        drop(current);
        // Keys are replaced only while the lock is held, so the set and the schedule match here.
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
        if state.schedule.lacks_budget(need, now) {
            self.counters.key_fetches().not_sent();
        }
        let found = found.unwrap_or_else(|| Err(lookup.not_found()));
        self.carry_out(decision, found, state, now, may_fetch)
    }

    /// Returns whether the issuer still publishes `key`, which has verified a cached token. Decides like
    /// [`find`](Self::find).
    #[cold]
    fn still_has(self: &Arc<Self>, key: &Arc<Key>, now: Now) -> Outcome<bool> {
        let lookup = KeyLookup {
            kid: key.kid.as_deref(),
            algorithm: key.algorithm,
            arrived: now,
            // This look-up never uses the fetch budget. If the key is gone, the token is verified again,
            // and the look-up of that verification may use the budget.
            acceptable: &|| false,
            tried: None,
        };
        match self.find(lookup, now, false) {
            // A withdrawn key that is published again is a new key, which has not verified the token.
            Outcome::Decided(Ok(found)) => Outcome::Decided(Ok(Arc::ptr_eq(&found, key))),
            // No keys are trusted now, but the next fetch may return this key again.
            Outcome::Decided(Err(unavailable @ VerifyError::Unavailable { .. })) => {
                Outcome::Decided(Err(unavailable))
            }
            Outcome::Decided(Err(_)) => Outcome::Decided(Ok(false)),
            Outcome::Pending(fetch) => Outcome::Pending(fetch),
        }
    }

    /// Returns whether there are keys that are so young that no fetch can be due.
    #[inline]
    fn is_young(&self, now: Now) -> bool {
        let current = self.current.load();
        current
            .as_ref()
            .is_some_and(|keys| keys.trust.is_young(now))
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
                // Without a runtime no fetch begins, but the current keys are still used.
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

    /// Begins a fetch in a task of the current runtime, so that a dropped request does not cancel the
    /// fetch.
    fn begin_fetch(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        reason: Reason,
        now: Now,
    ) -> Result<FetchInFlight, UnavailableReason> {
        // `tokio::spawn` would panic if the caller has no runtime.
        let runtime = Handle::try_current().map_err(|_| UnavailableReason::NoRuntime)?;
        let fetch = FetchInFlight {
            id: state.schedule.began(reason, now),
            completion: Arc::default(),
        };
        state.in_flight = Some(fetch.clone());
        // The lock is released first: a runtime that is shutting down drops the task in `spawn`, and the
        // drop of the task takes the lock.
        drop(state);
        let task = FetchTask {
            keys: self.clone(),
            fetch: fetch.clone(),
            span: FetchSpan::detached(self.source.issuer(), "keys"),
        };
        let span = task.span.span();
        runtime.spawn(task.run(now).instrument(span));
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
                    // `timeout` would panic without a runtime, and the caller may be on another executor.
                    if Handle::try_current().is_err() {
                        return Err(VerifyError::unavailable(
                            Duration::ZERO,
                            UnavailableReason::NoRuntime,
                        ));
                    }
                    // The task of the fetch has a timeout too. This longer timeout is reached only if the
                    // runtime of the task is blocked.
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
        let is_first = self.current.load().is_none();
        let mut retired = Vec::new();
        let next = self.next_keys(id, loaded, &mut state.schedule, &mut retired);
        let Some((next, changed)) = next else {
            return;
        };
        let next = Arc::new(next);
        self.current.store(Some(next.clone()));
        let recovered = state.error.take().is_some();
        // The lock is released first, because wakers and a tracing subscriber are foreign code.
        drop(state);
        let is_rotation = changed && !is_first;
        self.counters.key_fetches().succeed(is_rotation);
        for key in retired {
            key.retirement.wake();
        }
        let skipped = next.set.skipped();
        let issuer = self.source.issuer();
        if changed && !skipped.is_empty() {
            tracing::warn!(issuer, %skipped, "keys of the issuer were skipped");
        }
        if recovered {
            tracing::info!(issuer, "key fetch recovered");
        }
    }

    /// Returns the keys that replace the current keys, and whether the usable keys have changed. Returns
    /// `None` for a response that comes too late. Such a response must not change anything. Keys that were
    /// withdrawn are added to `retired`.
    fn next_keys(
        &self,
        id: u64,
        loaded: Loaded,
        schedule: &mut Schedule,
        retired: &mut Vec<Arc<Key>>,
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
                    *retired = set.replace(&previous.set);
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
        self.counters.key_fetches().fail(error.code());
        if is_first {
            let (issuer, cause) = (self.source.issuer(), cause(&error));
            tracing::warn!(issuer, %error, cause, "key fetch failed");
        }
    }

    fn health(&self, issuer: String, now: Now) -> IssuerHealth {
        // Keys are replaced only while the lock is held, so the set and the schedule match here.
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
            skipped_keys: current
                .as_ref()
                .map(|current| current.set.skipped().explanations())
                .unwrap_or_default(),
            age: trust.map(|trust| trust.age(now)),
            fresh_for: trust.map(|trust| trust.fresh_for()),
            last_success: trust.map(|trust| trust.began().wall()),
            last_error: state.error.clone(),
            is_resolved: false,
            clock_difference: None,
            introspection: None,
            revocation: None,
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

/// The task of a fetch. When the task is dropped, for whatever reason, all requests that wait for it are
/// woken.
struct FetchTask {
    keys: Arc<FetchedKeys>,
    fetch: FetchInFlight,
    span: FetchSpan,
}

impl FetchTask {
    async fn run(mut self, now: Now) {
        let source = &self.keys.source;
        let current = self.keys.current.load_full();
        let revision = current
            .as_ref()
            .and_then(|current| current.revision.as_ref());
        let result = timeout(source.deadline, source.load(now, revision))
            .await
            .unwrap_or(Err(UnavailableReason::Timeout));
        // A process loses its connections when it is suspended, so the failure says nothing about the
        // issuer. The drop of this task then abandons the fetch.
        if result.is_err() && Now::read().shows_suspension(now, source.deadline) {
            let issuer = source.issuer();
            tracing::debug!(issuer, "key fetch abandoned: the process was suspended");
            return;
        }
        self.span.record(&result);
        self.keys.record_result(self.fetch.id, result);
    }
}

impl Drop for FetchTask {
    fn drop(&mut self) {
        let id = self.fetch.id;
        if std::thread::panicking() {
            // The next fetch would probably panic too, so the schedule backs off as after any other
            // failure.
            self.keys.record_failure(id, UnavailableReason::Abandoned);
        }
        let mut state = self.keys.lock();
        // After a recorded result, `abandoned` has no effect. Otherwise the fetch was abandoned, or the
        // runtime has dropped the task.
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

/// The maximum number of fetches that one request waits for: the fetch in flight, the fetch that the
/// request begins itself, and two more in case the runtimes of these end.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);
