//! [`Verification`]: requests verification events of a stream from time to time, and notices when none arrive (SSF 1.0
//! §8.1.4).

mod schedule;
mod states;
#[cfg(test)]
pub(super) mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;
use serde_json::json;
use tokio::{
    runtime::Handle,
    time::{sleep_until, timeout},
};
use tracing::Instrument;

use self::schedule::Schedule;
pub(super) use self::states::States;
use super::{
    Transmitter,
    currency::Overdue,
    management_token::{ManagementToken, TokenError},
};
use crate::{
    crypto::random_u64,
    error::{UnavailableReason, cause},
    keys::Location,
    net::{Fetch, FetchSpan, client_auth::Form},
    stats::transmitters::VerificationRequestStats,
    sync::clock::Now,
};

/// The scheduled verification of one stream.
pub(crate) struct Verification {
    issuer: Box<str>,
    stream_id: String,
    token: ManagementToken,
    states: Arc<States>,
    /// Set when the first verifier uses the receiver.
    connection: OnceLock<Connection>,
    /// Whether the task runs.
    is_running: AtomicBool,
    /// Locked only briefly, and never across an await.
    progress: Mutex<Progress>,
}

/// How requests reach the transmitter.
pub(crate) struct Connection {
    pub(crate) fetch: Fetch,
    pub(crate) endpoint: Location,
    /// The timeout of one HTTP request.
    pub(crate) deadline: Duration,
}

struct Progress {
    schedule: Schedule,
    succeeded: u64,
    failed: BTreeMap<&'static str, u64>,
}

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
enum RequestError {
    #[error("{0}")]
    Token(TokenError),
    /// The metadata is not that of the transmitter, has no verification endpoint, or names one that may not be used.
    #[error(
        "the metadata of the transmitter names no verification endpoint of its own origin; write it with .verification_endpoint(..)"
    )]
    Endpoint(#[source] UnavailableReason),
    #[error(transparent)]
    Unavailable(UnavailableReason),
}

impl Verification {
    /// Returns the verification that the settings require, or `None` if they require none.
    pub(super) fn new(settings: &Transmitter, states: &Arc<States>) -> Option<Arc<Self>> {
        let (interval, token) = settings.verify_every.clone()?;
        let silent_after = settings.silent_after.unwrap_or(interval * SILENT_INTERVALS);
        Some(Arc::new(Self {
            issuer: settings.issuer.as_str().into(),
            stream_id: settings.stream_id.clone()?,
            token,
            states: states.clone(),
            connection: OnceLock::new(),
            is_running: AtomicBool::new(false),
            progress: Mutex::new(Progress {
                schedule: Schedule::new(interval, silent_after, random_u64()),
                succeeded: 0,
                failed: BTreeMap::new(),
            }),
        }))
    }

    /// Returns whether the requests can be sent.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.get().is_some()
    }

    /// Sets how requests reach the transmitter, unless another verifier has set it.
    pub(crate) fn connect(&self, connection: Connection) {
        // Both connections would send the same requests.
        let _ = self.connection.set(connection);
    }

    /// Begins the task of the requests in the current runtime, unless it runs. The task ends with this value, or with its
    /// runtime; the next call then begins another one.
    pub(super) fn begin(self: &Arc<Self>) {
        if self.is_running.load(Ordering::Relaxed) || !self.is_connected() {
            return;
        }
        // Without a runtime no event is requested, and the stream becomes silent.
        self.lock().schedule.begin(Now::read());
        // `tokio::spawn` would panic if the caller has no runtime.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.is_running.swap(true, Ordering::AcqRel) {
            return;
        }
        runtime.spawn(run(Running(Arc::downgrade(self))));
    }

    /// Records that the stream was alive at `at`, in seconds since 1970.
    pub(super) fn verify(&self, at: u64, now: Now) {
        let at = at.min(now.unix);
        let age = Duration::from_secs(now.unix - at);
        let at = Now {
            unix: at,
            // The monotonic clock may not reach back that far. The age is then measured on the wall clock only.
            instant: now.instant.checked_sub(age).unwrap_or(now.instant),
        };
        self.lock().schedule.verify(at, now);
        self.report_silence(now);
    }

    /// Returns whether no verification event has arrived for too long.
    pub(super) fn is_silent(&self, now: Now) -> bool {
        self.lock().schedule.is_silent(now)
    }

    /// Returns an error with the time of the silence if the stream is silent. Otherwise returns the time until it is silent
    /// if no event arrives, or `None` before the first request.
    pub(super) fn silence(&self, now: Now) -> Result<Option<Duration>, Overdue> {
        let schedule = &self.lock().schedule;
        match schedule.silent_for(now) {
            Some(overdue) => Err(overdue),
            None => Ok(schedule.silent_in(now)),
        }
    }

    /// Returns how often the stream has become silent.
    pub(super) fn silences(&self) -> u64 {
        self.lock().schedule.silences()
    }

    pub(super) fn request_stats(&self) -> VerificationRequestStats {
        let progress = self.lock();
        VerificationRequestStats {
            succeeded: progress.succeeded,
            failed: progress
                .failed
                .iter()
                .map(|(code, count)| (*code, *count))
                .collect(),
        }
    }

    /// Sends a request if one is due. Returns the time until the next step.
    async fn step(&self, connection: &Connection) -> Duration {
        let now = Now::read();
        self.report_silence(now);
        if self.lock().schedule.due_in(now).is_zero() {
            self.lock().schedule.request(now);
            let sent = self.request(connection).await;
            self.record(sent);
        }
        let now = Now::read();
        let schedule = &self.lock().schedule;
        let silent_in = schedule.silent_in(now).filter(|left| !left.is_zero());
        let next = schedule.due_in(now).min(silent_in.unwrap_or(LONGEST_STEP));
        next.clamp(SHORTEST_STEP, LONGEST_STEP)
    }

    async fn request(&self, connection: &Connection) -> Result<(), RequestError> {
        let token = self.token.obtain().await.map_err(RequestError::Token)?;
        let mut span = FetchSpan::detached(&self.issuer, "verification");
        let sent = timeout(
            connection.deadline * REQUESTS,
            self.send(connection, &token),
        );
        let sent = sent.instrument(span.span()).await;
        let sent = sent.unwrap_or(Err(UnavailableReason::Timeout));
        span.record(&sent);
        sent.map_err(|error| match error {
            UnavailableReason::ForeignUrl { .. }
            | UnavailableReason::Malformed { .. }
            | UnavailableReason::OtherIssuer { .. } => RequestError::Endpoint(error),
            _ => RequestError::Unavailable(error),
        })
    }

    async fn send(
        &self,
        connection: &Connection,
        token: &SecretString,
    ) -> Result<(), UnavailableReason> {
        let now = Now::read();
        let Connection {
            fetch, endpoint, ..
        } = connection;
        let url = endpoint.locate(fetch, now).await?;
        let body = json!({ "stream_id": self.stream_id, "state": self.states.make(now.unix) });
        endpoint.begins();
        let sent = fetch
            .command(&url, &Form::json(token, body.to_string()))
            .await;
        match &sent {
            Ok(()) => endpoint.worked(),
            Err(error) if error.is_moved() => endpoint.moved(),
            Err(_) => {}
        }
        sent
    }

    fn record(&self, sent: Result<(), RequestError>) {
        let now = Now::read();
        let transmitter = &*self.issuer;
        let mut progress = self.lock();
        let Err(error) = sent else {
            progress.succeeded = progress.succeeded.saturating_add(1);
            let has_recovered = progress.schedule.succeed();
            // The lock is released first, because a tracing subscriber is foreign code.
            drop(progress);
            if has_recovered {
                tracing::info!(transmitter, "verification request recovered");
            }
            return;
        };
        let failed = progress.failed.entry(error.code()).or_default();
        *failed = failed.saturating_add(1);
        let is_first = match error.limit() {
            Some(retry_after) => {
                progress.schedule.limit(retry_after, now);
                false
            }
            None => progress.schedule.fail(error.retry_after(), now),
        };
        drop(progress);
        let cause = cause(&error);
        if is_first {
            tracing::warn!(transmitter, %error, cause, "verification request failed");
        } else {
            tracing::debug!(transmitter, %error, cause, "verification request failed");
        }
    }

    /// Logs that the stream has become silent, or no longer is.
    fn report_silence(&self, now: Now) {
        let transmitter = &*self.issuer;
        let change = self.lock().schedule.change(now);
        match change {
            Some(true) => tracing::error!(
                transmitter,
                "no verification event arrives although they are requested; revoked tokens may be accepted until they expire"
            ),
            Some(false) => tracing::info!(transmitter, "verification events arrive again"),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestError {
    fn code(&self) -> &'static str {
        match self {
            Self::Token(_) => "management_token",
            Self::Endpoint(reason) | Self::Unavailable(reason) => reason.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(reason) => reason.retry_after(),
            Self::Token(_) | Self::Endpoint(_) => None,
        }
    }

    /// Returns the `Retry-After` of a response that says that there are too many requests.
    fn limit(&self) -> Option<Option<Duration>> {
        match self {
            Self::Unavailable(UnavailableReason::Status {
                status: 429,
                retry_after,
            }) => Some(*retry_after),
            _ => None,
        }
    }
}

/// Says that the task runs, until it is dropped, for whatever reason.
struct Running(Weak<Verification>);

impl Drop for Running {
    fn drop(&mut self) {
        // Only a runtime without a timer makes the task panic, and the next task would panic too.
        if let Some(verification) = self.0.upgrade()
            && !std::thread::panicking()
        {
            verification.is_running.store(false, Ordering::Release);
        }
    }
}

/// Sends the requests until the receiver is dropped. The task does not keep the receiver.
async fn run(running: Running) {
    loop {
        let wait = {
            let Some(verification) = running.0.upgrade() else {
                return;
            };
            let Some(connection) = verification.connection.get() else {
                return;
            };
            verification.step(connection).await
        };
        sleep_until(Now::read().instant + wait).await;
    }
}

/// After how many intervals without an event a stream is silent.
const SILENT_INTERVALS: u32 = 3;
/// The number of HTTP requests that one request for an event may take: two for the metadata, and the request itself.
const REQUESTS: u32 = 3;
const SHORTEST_STEP: Duration = Duration::from_millis(100);
/// The timer stands still while the machine is suspended, so the clocks are compared at least this often.
const LONGEST_STEP: Duration = Duration::from_secs(60);
