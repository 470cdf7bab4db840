//! [`SharedLog`]: the shared log as one [`Revocations`](crate::revocation::Revocations) uses it: appends, and whether
//! everything was read.

use std::{
    collections::HashSet,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};

use super::{Doubt, LogEntry, LogPosition, RevocationLog, doubt::InDoubt, reader};
use crate::{
    error::{UnavailableReason, cause},
    health::RevocationLogHealth,
    revocation::currency::Currency,
    sync::clock::Now,
};

/// The settings of a shared log.
pub(in crate::revocation) struct LogSettings {
    /// A panic of the log ends the reader, and no state of this crate depends on that of the log.
    pub(in crate::revocation) log: AssertUnwindSafe<Box<dyn RevocationLog>>,
    pub(in crate::revocation) max_lag: Duration,
    pub(in crate::revocation) share_inactive: bool,
    /// How long the log keeps an entry: as long as a token that the entry rejects may be young enough.
    pub(in crate::revocation) keep: Duration,
}

/// The rules that the log fills.
pub(in crate::revocation) trait SharedRules: Send + Sync {
    /// Applies entries, and returns how many of them have no effect because this version cannot read them or has no
    /// room for their issuer.
    fn apply_entries(&self, entries: &[LogEntry], now: Now) -> u64;

    /// Returns entries with everything that is held, for a log that may have lost it.
    fn entries(&self) -> Box<dyn Iterator<Item = LogEntry> + Send>;
}

/// The shared log of one `Revocations`.
pub(crate) struct SharedLog {
    pub(super) settings: LogSettings,
    pub(super) currency: Currency,
    /// The reader ends when the rules are dropped.
    pub(super) rules: AssertUnwindSafe<Weak<dyn SharedRules>>,
    state: Mutex<State>,
    /// Notified when the log was read to its end for the first time.
    loaded: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// The number of the last reader. An earlier one that still runs changes nothing and ends.
    generation: u64,
    /// When the reader last made progress, or `None` if none is running.
    progress: Option<Instant>,
    /// When the first reader began.
    began: Option<Instant>,
    pub(super) is_loaded: bool,
    /// After a gap, until the log was read to its end again.
    pub(super) is_catching_up: bool,
    pub(super) position: Option<LogPosition>,
    /// Whether something that is held here may be missing in the log.
    append_all: bool,
    /// The number of appends in flight, that of everything included.
    appending: usize,
    /// Entries that are appended by the reader, because the caller cannot wait, or because an append has failed. A set,
    /// because a sender repeats its event meanwhile.
    queue: HashSet<LogEntry>,
    /// Why the log could last not be read, or `None` if it was read since.
    failure: Option<LogFailure>,
    is_doubt_logged: bool,
    is_append_failure_logged: bool,
    ignored: u64,
    gaps: u64,
    doubts: u64,
    failed_appends: u64,
}

/// Why the log could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogFailure {
    Error,
    Timeout,
    TooLarge,
}

impl LogFailure {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Error => "the log could not be read",
            Self::Timeout => "the log did not respond in time",
            Self::TooLarge => "the log returned too many entries at once",
        }
    }
}

/// The entries could not be appended. They are appended again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::revocation) struct AppendFailed;

impl SharedLog {
    pub(in crate::revocation) fn new(
        settings: LogSettings,
        rules: Weak<dyn SharedRules>,
        now: Now,
    ) -> Self {
        Self {
            settings,
            currency: Currency::ended(now),
            rules: AssertUnwindSafe(rules),
            state: Mutex::default(),
            loaded: Notify::new(),
        }
    }

    pub(in crate::revocation) fn shares_inactive(&self) -> bool {
        self.settings.share_inactive
    }

    /// Returns whether everything is known here that was appended until `max_lag` ago.
    #[inline]
    pub(in crate::revocation) fn is_current(&self, now: Now) -> bool {
        self.currency.holds(now)
    }

    /// Returns what a request does that has found that the log is not current, and starts a reader if none is
    /// running.
    #[cold]
    pub(in crate::revocation) fn doubt(self: &Arc<Self>, doubt: Doubt, now: Now) -> InDoubt {
        let can_wait = self.keep_reading(now);
        self.log_change(now);
        let state = self.lock();
        InDoubt {
            doubt,
            overdue: self.currency.overdue(now),
            is_loading: can_wait && state.is_loading(now),
            is_about_log: true,
        }
    }

    /// Returns the state of the log. Performs no I/O.
    pub(in crate::revocation) fn health(&self, now: Now) -> RevocationLogHealth {
        let state = self.lock();
        let overdue = self.currency.overdue(now).at_most;
        RevocationLogHealth {
            in_doubt_since: (!self.currency.holds(now)).then(|| {
                now.wall()
                    .checked_sub(overdue)
                    .unwrap_or(SystemTime::UNIX_EPOCH)
            }),
            is_loaded: state.is_loaded,
            last_error: state.failure.map(LogFailure::text),
            doubts: state.doubts,
            gaps: state.gaps,
            failed_appends: state.failed_appends,
            ignored: state.ignored,
        }
    }

    /// Waits for the first load, for at most a second after the first reader began. All requests wait for the same
    /// load.
    pub(crate) async fn loaded(&self) {
        // The timer would panic without a runtime.
        if Handle::try_current().is_err() {
            return;
        }
        // This future receives each notification from its creation on, so none is missed after the check.
        let loaded = self.loaded.notified();
        let end = {
            let state = self.lock();
            match state.began {
                Some(began) if !state.is_loaded => began + MAX_WAIT,
                _ => return,
            }
        };
        let _ = timeout_at(end, loaded).await;
    }

    /// Loads the log if it has not been loaded, for a service that should not start without the rules.
    ///
    /// # Errors
    ///
    /// Returns an error if the log could not be loaded in time.
    pub(crate) async fn warm_up(self: &Arc<Self>) -> Result<(), UnavailableReason> {
        if Handle::try_current().is_err() {
            return Err(UnavailableReason::NoRuntime);
        }
        let began = Now::read().instant;
        loop {
            let loaded = self.loaded.notified();
            let now = Now::read();
            self.keep_reading(now);
            if self.currency.holds(now) {
                return Ok(());
            }
            let end = began + self.read_timeout() + MAX_WAIT;
            if now.instant >= end {
                return Err(UnavailableReason::RevocationLog);
            }
            // A reader that recovers from a doubt notifies nothing, so the currency is looked at again.
            let _ = timeout_at(end.min(now.instant + MAX_WAIT / 10), loaded).await;
        }
    }

    /// Starts a reader if none is running. One whose runtime is blocked is replaced. Returns whether a reader can run.
    pub(in crate::revocation) fn keep_reading(self: &Arc<Self>, now: Now) -> bool {
        // `tokio::spawn` would panic if the caller has no runtime.
        let Ok(runtime) = Handle::try_current() else {
            return self.lock().progress.is_some();
        };
        let generation = {
            let mut state = self.lock();
            let limit = self.read_timeout() + BLOCKED;
            let is_alive = |it: Instant| now.instant.saturating_duration_since(it) <= limit;
            if state.progress.is_some_and(is_alive) {
                return true;
            }
            state.generation += 1;
            state.progress = Some(now.instant);
            state.began.get_or_insert(now.instant);
            state.generation
        };
        // The lock is released first: a runtime that is shutting down drops the task in `spawn`, and the task locks the
        // state when it is dropped.
        runtime.spawn(reader::run(Running {
            log: self.clone(),
            generation,
        }));
        true
    }

    /// Announces an append, before the rules are applied here: a repeated event that finds them applied must not be
    /// confirmed until they are stored.
    pub(in crate::revocation) fn announce(self: &Arc<Self>, now: Now) -> Append {
        self.keep_reading(now);
        self.lock().appending += 1;
        Append {
            log: self.clone(),
            is_done: false,
        }
    }

    /// Has everything that is held here appended again.
    pub(in crate::revocation) fn append_all(&self) {
        self.lock().append_all = true;
    }

    /// Has the reader append an entry.
    pub(in crate::revocation) fn queue(&self, entry: LogEntry) {
        let mut state = self.lock();
        match state.queue.len() < MAX_QUEUE {
            true => drop(state.queue.insert(entry)),
            false => state.append_all = true,
        }
    }

    /// Returns an announced append of everything, if it is due.
    pub(super) fn take_all(self: &Arc<Self>) -> Option<Append> {
        let mut state = self.lock();
        std::mem::take(&mut state.append_all).then(|| {
            state.appending += 1;
            Append {
                log: self.clone(),
                is_done: false,
            }
        })
    }

    pub(super) fn take_queue(&self) -> Vec<LogEntry> {
        std::mem::take(&mut self.lock().queue).into_iter().collect()
    }

    pub(super) fn read_timeout(&self) -> Duration {
        (self.settings.max_lag / 2).min(MAX_READ_TIMEOUT)
    }

    pub(super) fn fail_read(&self, failure: LogFailure, error: Option<&str>) {
        let is_first = self.lock().failure.replace(failure).is_none();
        if is_first {
            let problem = failure.text();
            tracing::warn!(problem, error, "the shared revocation log cannot be read");
        }
    }

    /// Records that the log was read, and extends the currency if it was read to its end. The reader must be the
    /// last one.
    pub(super) fn read_until(&self, position: LogPosition, asked: Now, is_complete: bool) {
        let was_loaded = {
            let mut state = self.lock();
            state.position = Some(position);
            state.failure = None;
            if !is_complete {
                return;
            }
            state.is_catching_up = false;
            self.currency.extend(asked, self.settings.max_lag);
            std::mem::replace(&mut state.is_loaded, true)
        };
        // A waker is foreign code, so the lock is released.
        if !was_loaded {
            self.loaded.notify_waiters();
        }
    }

    /// Records that the log has lost entries: everything may be missing here, and what is held here may be missing in
    /// the log.
    pub(super) fn begin_gap(&self, now: Now) {
        let is_new = {
            let mut state = self.lock();
            self.currency.end(now);
            state.append_all = true;
            state.gaps += 1;
            !std::mem::replace(&mut state.is_catching_up, true)
        };
        if is_new {
            tracing::error!(
                "the shared revocation log has lost entries; each instance appends its rules again"
            );
        }
    }

    /// Has the whole log read again, because entries about an issuer that was unknown then were dropped.
    pub(in crate::revocation) fn load_again(&self, now: Now) {
        let mut state = self.lock();
        self.currency.end(now);
        state.generation += 1;
        state.progress = None;
        state.position = None;
    }

    pub(super) fn ignore(&self, entries: u64) {
        let is_first = {
            let mut state = self.lock();
            state.ignored = state.ignored.saturating_add(entries);
            state.ignored == entries
        };
        if is_first && entries > 0 {
            tracing::warn!(
                entries,
                "entries of the shared revocation log ignored, because this version cannot read them or there are too many unknown issuers"
            );
        }
    }

    /// Logs the begin and the end of a doubt, once each.
    pub(super) fn log_change(&self, now: Now) {
        let holds = self.currency.holds(now);
        let (has_changed, problem) = {
            let mut state = self.lock();
            // After a start, the rules are not in doubt until the first load takes long or fails.
            let is_due = holds || state.failure.is_some() || !state.is_loading(now);
            let has_changed = is_due && state.is_doubt_logged == holds;
            if has_changed {
                state.is_doubt_logged = !holds;
                state.doubts += u64::from(!holds);
            }
            (has_changed, state.failure.map(LogFailure::text))
        };
        // The subscriber is foreign code, so the lock is released.
        match (has_changed, holds) {
            (false, _) => {}
            (true, true) => tracing::info!("revocation rules are complete again"),
            (true, false) => tracing::error!(
                problem,
                "revocation rules may be missing, because the shared log was not read in time"
            ),
        }
    }

    /// Appends entries, in chunks.
    async fn append(&self, entries: &[LogEntry]) -> Result<(), AppendFailed> {
        for chunk in entries.chunks(MAX_APPEND) {
            // The timer would panic without a runtime.
            if Handle::try_current().is_err() {
                return self.fail_append("there is no tokio runtime");
            }
            let limit = self.read_timeout().min(APPEND_TIMEOUT);
            match timeout(limit, self.settings.log.append(chunk, self.settings.keep)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return self.fail_append(&cause(&*error)),
                Err(_) => return self.fail_append(LogFailure::Timeout.text()),
            }
        }
        let has_recovered = {
            let mut state = self.lock();
            // A loss of these entries is noticed only after a read, which returns a position.
            state.append_all |= state.position.is_none();
            std::mem::take(&mut state.is_append_failure_logged)
        };
        if has_recovered {
            tracing::info!("revocation rules are written to the shared log again");
        }
        Ok(())
    }

    #[cold]
    fn fail_append(&self, error: &str) -> Result<(), AppendFailed> {
        let is_first = {
            let mut state = self.lock();
            state.failed_appends = state.failed_appends.saturating_add(1);
            !std::mem::replace(&mut state.is_append_failure_logged, true)
        };
        if is_first {
            tracing::error!(
                error,
                "revocation rules could not be written to the shared log; they apply to this instance and are written again"
            );
        }
        Err(AppendFailed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns whether the log may be read for the first time within a moment.
    fn is_loading(&self, now: Now) -> bool {
        let is_early = |began| now.instant.saturating_duration_since(began) < MAX_WAIT;
        !self.is_loaded && self.began.is_none_or(is_early)
    }
}

/// A reader that is running. When it is dropped, the next request that finds a doubt starts another one.
pub(super) struct Running {
    pub(super) log: Arc<SharedLog>,
    generation: u64,
}

impl Running {
    /// Records progress. Returns false if another reader has replaced this one.
    pub(super) fn progress(&self, now: Now) -> bool {
        let mut state = self.log.lock();
        let is_last = state.generation == self.generation;
        if is_last {
            state.progress = Some(now.instant);
        }
        is_last
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.log.lock();
        if state.generation == self.generation {
            state.progress = None;
        }
    }
}

/// An append in flight. If it is dropped before it succeeds, everything is appended again later.
#[must_use]
pub(in crate::revocation) struct Append {
    log: Arc<SharedLog>,
    is_done: bool,
}

impl Append {
    /// Appends the entries. If nothing has `changed` here and nothing is missing in the log, they are stored already. If
    /// the append fails, the reader appends them.
    pub(in crate::revocation) async fn finish(
        mut self,
        entries: &[LogEntry],
        has_changed: bool,
    ) -> Result<(), AppendFailed> {
        let result = match has_changed || self.is_anything_missing() {
            true => self.log.append(entries).await,
            false => Ok(()),
        };
        if result.is_err() {
            entries.iter().for_each(|it| self.log.queue(it.clone()));
        }
        self.is_done = true;
        result
    }

    /// Appends some entries of several. The caller then calls [`finish`](Self::finish).
    pub(super) async fn append(&self, entries: &[LogEntry]) -> Result<(), AppendFailed> {
        self.log.append(entries).await
    }

    /// Ends the append, because there is nothing to append.
    pub(in crate::revocation) fn cancel(mut self) {
        self.is_done = true;
    }

    fn is_anything_missing(&self) -> bool {
        let state = self.log.lock();
        state.append_all || !state.queue.is_empty() || state.appending > 1
    }
}

impl Drop for Append {
    fn drop(&mut self) {
        let mut state = self.log.lock();
        state.append_all |= !self.is_done;
        state.appending = state.appending.saturating_sub(1);
    }
}

/// Shows whether the log is loaded only.
impl fmt::Debug for SharedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLog")
            .field("is_loaded", &self.lock().is_loaded)
            .finish_non_exhaustive()
    }
}

const MAX_READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Senders of events wait for a few seconds only: event hooks for 3 s.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);
/// A reader that is late by more than this has a blocked runtime.
const BLOCKED: Duration = Duration::from_millis(500);
/// How long requests wait for the first load.
const MAX_WAIT: Duration = Duration::from_secs(1);
pub(super) const MAX_APPEND: usize = 500;
/// Beyond this number of entries, everything is appended again instead.
const MAX_QUEUE: usize = 8_192;
