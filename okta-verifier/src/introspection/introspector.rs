//! Asks one issuer about its tokens: each token once at a time, in a task of its own that no
//! caller can cancel, and never more often than the gate lets pass.

mod landing;
mod lead;
mod report;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

use self::lead::{Lead, Role};
use super::{
    Judged, Question,
    answer::{Checked, Want},
    cache::Answers,
    endpoint::Endpoint,
    gate::{Closed, Gate},
};
use crate::{
    crypto::{Fingerprint, Fingerprints},
    error::{FetchError, MalformedToken, VerifyError},
    keys::{Flight, Metadata},
    remote::Fetch,
    time::Now,
    token::Origin,
};

pub(crate) struct Introspector {
    settings: Judged,
    origin: Arc<Origin>,
    endpoint: Endpoint,
    fetch: Fetch,
    /// For metadata and answer together.
    deadline: Duration,
    /// `None` without randomness: then nothing is asked.
    fingerprints: Option<Fingerprints>,
    answers: Answers,
    /// One permit a question under way. It is had before the question's task is spawned, so
    /// that no flood can make tasks.
    permits: Arc<Semaphore>,
    /// Half of them: more are not had for tokens that anybody can make up.
    unverified: Arc<Semaphore>,
    /// Locked for moments only, and never over an await.
    state: Mutex<State>,
}

struct State {
    gate: Gate,
    flights: HashMap<Fingerprint, Boarding>,
    last_id: u64,
}

/// A question to wait for.
#[derive(Clone)]
struct Boarding {
    id: u64,
    question: Question,
    flight: Arc<Flight>,
    /// The answer itself, for those who wait: the cache promises to keep nothing.
    result: Arc<OnceLock<Result<Arc<Checked>, VerifyError>>>,
}

impl Introspector {
    /// `jitter` is a random number.
    pub(crate) fn new(
        settings: Judged,
        origin: Arc<Origin>,
        metadata: Metadata,
        fetch: Fetch,
        deadline: Duration,
        jitter: u64,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(settings.endpoint.clone(), metadata),
            fingerprints: Fingerprints::new(),
            answers: Answers::new(settings.max_age),
            permits: Arc::new(Semaphore::new(settings.max_in_flight)),
            unverified: Arc::new(Semaphore::new((settings.max_in_flight / 2).max(1))),
            state: Mutex::new(State {
                gate: Gate::new(jitter),
                flights: HashMap::new(),
                last_id: 0,
            }),
            settings,
            origin,
            fetch,
            deadline,
        }
    }

    /// Whether the settings want tokens of this kind asked about.
    pub(crate) fn asks(&self, question: Question) -> bool {
        self.settings.asks(question)
    }

    /// The last answer, if it is new enough for a request that has just arrived. Without waiting,
    /// and without effect.
    pub(crate) fn find(&self, token: &[u8], want: Want) -> Option<Arc<Checked>> {
        let fingerprint = self.fingerprints.as_ref()?.of(token)?;
        self.find_by(fingerprint, want, want.arrived)
    }

    /// Whether the issuer has said lately that it does not want this token accepted, whoever
    /// asked: then nobody need ask to refuse it.
    pub(crate) fn forbids(&self, token: &[u8], now: Now) -> bool {
        let of = |fingerprints: &Fingerprints| fingerprints.of(token);
        self.answers.any_inactive()
            && self
                .fingerprints
                .as_ref()
                .and_then(of)
                .is_some_and(|fingerprint| self.answers.forbid(fingerprint, now))
    }

    fn find_by(&self, fingerprint: Fingerprint, want: Want, now: Now) -> Option<Arc<Checked>> {
        self.answers
            .find(fingerprint, |checked| checked.holds(want, now))
    }

    /// An answer that is new enough, asked for where it must be.
    ///
    /// # Errors
    ///
    /// The issuer could not be asked.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        token: &[u8],
        want: Want,
    ) -> Result<Arc<Checked>, VerifyError> {
        let fingerprint = self.fingerprints.as_ref().and_then(|it| it.of(token));
        let Some(fingerprint) = fingerprint else {
            return Err(VerifyError::unavailable(
                Duration::ZERO,
                FetchError::NoRandomness,
            ));
        };
        // What travels in the form; a token is ASCII.
        let token = std::str::from_utf8(token).map_err(|_| MalformedToken::Alphabet)?;
        for _ in 0..MAX_ROUNDS {
            let now = Now::read();
            if let Some(checked) = self.find_by(fingerprint, want, now) {
                return Ok(checked);
            }
            let boarding = match self.board(fingerprint, want, now)? {
                Role::Follows(boarding) => boarding,
                Role::Leads(lead) => lead.depart(token).await?,
            };
            if Handle::try_current().is_err() {
                return Err(VerifyError::unavailable(
                    Duration::ZERO,
                    FetchError::NoRuntime,
                ));
            }
            // The one who leads waits for a permit, and the task has a deadline of its own; this
            // one is for a task whose runtime stands still.
            let wait = boarding.flight.clone().wait();
            if timeout(2 * self.deadline + GRACE, wait).await.is_err() {
                self.abandon(fingerprint, boarding.id);
            }
            match boarding.result.get() {
                Some(Ok(checked)) if checked.holds(want, Now::read()) => {
                    return Ok(checked.clone());
                }
                Some(Err(error)) => return Err(error.clone()),
                // Another question, too old for this caller, or ended without a result.
                Some(Ok(_)) | None => {}
            }
        }
        Err(VerifyError::unavailable(
            Duration::ZERO,
            FetchError::Abandoned,
        ))
    }

    /// Joins the question about this token, or begins it.
    fn board(
        self: &Arc<Self>,
        fingerprint: Fingerprint,
        want: Want,
        now: Now,
    ) -> Result<Role, VerifyError> {
        let mut state = self.lock();
        if let Some(boarding) = state.flights.get(&fingerprint) {
            return Ok(Role::Follows(boarding.clone()));
        }
        // Between the look into the cache and the lock an answer may have landed.
        if let Some(checked) = self.find_by(fingerprint, want, now) {
            return Ok(Role::Follows(Boarding::landed(checked)));
        }
        state.gate.pass(want.question, now).map_err(|closed| {
            let Closed {
                retry_after,
                source,
            } = closed;
            VerifyError::unavailable(retry_after, source)
        })?;
        state.last_id += 1;
        let boarding = Boarding {
            id: state.last_id,
            question: want.question,
            flight: Arc::default(),
            result: Arc::default(),
        };
        state.flights.insert(fingerprint, boarding.clone());
        let lead = Lead::new(self.clone(), fingerprint, boarding);
        Ok(Role::Leads(lead))
    }

    /// The question is over, or counts as over.
    fn abandon(&self, fingerprint: Fingerprint, id: u64) {
        self.lock().end(fingerprint, id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says whether the question was still the one under way.
    fn end(&mut self, fingerprint: Fingerprint, id: u64) -> bool {
        let is_it = |boarding: &Boarding| boarding.id == id;
        let current = self.flights.get(&fingerprint).is_some_and(is_it);
        if current {
            self.flights.remove(&fingerprint);
        }
        current
    }
}

impl Boarding {
    fn landed(checked: Arc<Checked>) -> Self {
        let flight = Arc::<Flight>::default();
        flight.land();
        Self {
            id: 0,
            question: checked.question,
            flight,
            result: Arc::new(OnceLock::from(Ok(checked))),
        }
    }
}

/// Shows neither our credentials nor whom they ask about.
impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The question under way, one of its own, and one more for each that came to nothing.
const MAX_ROUNDS: usize = 4;
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
impl Introspector {
    /// How many active answers are remembered, and how many refusals.
    pub(super) fn remembered(&self) -> (u64, u64) {
        self.answers.counts()
    }
}
