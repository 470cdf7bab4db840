//! The counters behind [`Stats`]: of requests, striped by thread, and of rare events.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    DurationHistogram, IntrospectionStats, IssuerStats, KeyFetchStats, ReplayStats,
    RevocationStats, Stats,
};

/// All counters of one verifier.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests that belong to no issuer.
    unassigned: Requests,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// The counters of every configured issuer, by URL. They stay when the issuer is removed, because totals must
    /// never shrink.
    issuers: Vec<Arc<IssuerCounters>>,
    /// The counts of the issuers beyond [`MAX_ROWS`].
    other: Arc<Counts>,
}

impl Counters {
    /// Returns the counters of a configured issuer. Entries with the same URL share them.
    pub(crate) fn configured(&self, url: &str) -> Arc<IssuerCounters> {
        let mut rows = self.rows();
        if let Some(known) = rows.issuers.iter().find(|it| it.issuer() == url) {
            return known.clone();
        }
        if rows.issuers.len() >= MAX_ROWS {
            rows.issuers.retain(|it| !it.is_unused());
        }
        if rows.issuers.len() >= MAX_ROWS {
            return Arc::new(IssuerCounters::sharing(url, rows.other.clone()));
        }
        let new = Arc::new(IssuerCounters::new(url));
        rows.issuers.push(new.clone());
        new
    }

    /// Returns the counters of requests that belong to no issuer.
    pub(crate) fn unassigned(&self) -> &Requests {
        &self.unassigned
    }

    /// Returns the current values. `codes` are those of rejections, in the order of their slots.
    pub(crate) fn snapshot(
        &self,
        codes: &[&'static str],
        replay: ReplayStats,
        revocation: RevocationStats,
    ) -> Stats {
        let unassigned = &self.unassigned;
        let rows = self.rows();
        // Settings that were rejected as a whole leave unused rows behind.
        let configured = rows.issuers.iter().filter(|it| !it.is_unused());
        let configured = configured.map(|it| it.counts.snapshot(it.issuer(), codes));
        let other = (!rows.other.is_zero()).then(|| rows.other.snapshot("other", codes));
        Stats {
            anonymous: unassigned.sum(|stripe| &stripe.anonymous),
            dropped: unassigned.sum(|stripe| &stripe.dropped),
            rejected: unassigned.rejected(codes),
            issuers: configured.chain(other).collect(),
            replay,
            revocation,
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counters of one issuer. Every token and every rejection of the issuer shares them.
pub(crate) struct IssuerCounters {
    issuer: Box<str>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: Requests,
    key_fetches: KeyFetches,
    introspections: Introspections,
}

impl IssuerCounters {
    pub(crate) fn new(issuer: &str) -> Self {
        Self::sharing(issuer, Arc::default())
    }

    fn sharing(issuer: &str, counts: Arc<Counts>) -> Self {
        let issuer = issuer.into();
        Self { issuer, counts }
    }

    /// Returns the issuer's URL, as configured.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    #[inline]
    pub(crate) fn requests(&self) -> &Requests {
        &self.counts.requests
    }

    pub(crate) fn key_fetches(&self) -> &KeyFetches {
        &self.counts.key_fetches
    }

    pub(crate) fn introspections(&self) -> &Introspections {
        &self.counts.introspections
    }

    /// Returns whether nothing was counted and no settings, token or rejection use the counters.
    fn is_unused(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && self.counts.is_zero()
    }
}

impl fmt::Debug for IssuerCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IssuerCounters").field(&self.issuer).finish()
    }
}

impl Counts {
    fn is_zero(&self) -> bool {
        let (fetches, introspections) = (&self.key_fetches, &self.introspections);
        let rare = [
            &fetches.succeeded,
            &fetches.not_sent,
            &fetches.keys_changed,
            &introspections.succeeded,
            &introspections.not_sent,
        ];
        rare.iter().all(|count| read(count) == 0)
            && fetches.failed.snapshot().is_empty()
            && introspections.failed.snapshot().is_empty()
            && self.requests.is_zero()
    }

    fn snapshot(&self, issuer: &str, codes: &[&'static str]) -> IssuerStats {
        let (fetches, introspections) = (&self.key_fetches, &self.introspections);
        IssuerStats {
            issuer: issuer.to_owned(),
            accepted: self.requests.sum(|stripe| &stripe.accepted),
            dropped: self.requests.sum(|stripe| &stripe.dropped),
            rejected: self.requests.rejected(codes),
            key_fetches: KeyFetchStats {
                succeeded: read(&fetches.succeeded),
                failed: fetches.failed.snapshot(),
                not_sent: read(&fetches.not_sent),
                keys_changed: read(&fetches.keys_changed),
            },
            introspections: IntrospectionStats {
                succeeded: read(&introspections.succeeded),
                failed: introspections.failed.snapshot(),
                not_sent: read(&introspections.not_sent),
                duration: introspections.durations.snapshot(),
            },
        }
    }
}

/// Counters of requests. Each thread adds to one of several stripes, so that threads on different cores do not
/// write to the same cache line.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    stripes: [Stripe; STRIPES],
}

// Two cache lines: some processors fetch lines in pairs.
#[repr(align(128))]
#[derive(Debug)]
struct Stripe {
    accepted: AtomicU64,
    anonymous: AtomicU64,
    dropped: AtomicU64,
    /// By the slot of the code.
    rejected: [AtomicU64; REJECTION_SLOTS],
}

impl Default for Stripe {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::new(0),
            anonymous: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            rejected: [const { AtomicU64::new(0) }; REJECTION_SLOTS],
        }
    }
}

impl Requests {
    #[inline]
    pub(crate) fn accept(&self) {
        increment(&self.stripe().accepted);
    }

    pub(crate) fn admit_anonymous(&self) {
        increment(&self.stripe().anonymous);
    }

    /// Counts a request that was dropped before the response.
    pub(crate) fn drop_request(&self) {
        increment(&self.stripe().dropped);
    }

    /// Counts a rejection by the slot of its code.
    pub(crate) fn reject(&self, slot: usize) {
        if let Some(count) = self.stripe().rejected.get(slot) {
            increment(count);
        }
    }

    #[inline]
    fn stripe(&self) -> &Stripe {
        &self.stripes[stripe_of_thread() % STRIPES]
    }

    fn sum(&self, of: impl Fn(&Stripe) -> &AtomicU64) -> u64 {
        self.stripes.iter().map(|stripe| read(of(stripe))).sum()
    }

    fn rejected(&self, codes: &[&'static str]) -> Vec<(&'static str, u64)> {
        let codes = codes.iter().take(REJECTION_SLOTS).enumerate();
        let counts = codes.map(|(slot, code)| (*code, self.sum(|stripe| &stripe.rejected[slot])));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    fn is_zero(&self) -> bool {
        self.stripes.iter().all(|stripe| {
            let outcomes = [&stripe.accepted, &stripe.anonymous, &stripe.dropped];
            let mut counts = outcomes.into_iter().chain(&stripe.rejected);
            counts.all(|count| read(count) == 0)
        })
    }
}

/// Returns the number of this thread. Threads are numbered at their first count, so the first
/// [`STRIPES`] threads have stripes of their own.
#[inline]
fn stripe_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNNUMBERED) };
    }
    const UNNUMBERED: usize = usize::MAX;

    NUMBER.with(|number| {
        if number.get() == UNNUMBERED {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        number.get()
    })
}

/// Counters of key fetches. They are rare, so they are not striped.
#[derive(Debug, Default)]
pub(crate) struct KeyFetches {
    succeeded: AtomicU64,
    failed: Failures,
    not_sent: AtomicU64,
    keys_changed: AtomicU64,
}

impl KeyFetches {
    pub(crate) fn succeed(&self, keys_changed: bool) {
        increment(&self.succeeded);
        if keys_changed {
            increment(&self.keys_changed);
        }
    }

    pub(crate) fn fail(&self, code: &'static str) {
        self.failed.add(code);
    }

    /// Counts a look-up of an unknown key while the budget for unknown keys was spent.
    pub(crate) fn not_sent(&self) {
        increment(&self.not_sent);
    }
}

/// Counters of introspection requests.
#[derive(Debug, Default)]
pub(crate) struct Introspections {
    succeeded: AtomicU64,
    failed: Failures,
    not_sent: AtomicU64,
    durations: Durations,
}

impl Introspections {
    /// Counts a request that took this long. `failure` is the code of its error, if it failed.
    pub(crate) fn complete(&self, failure: Option<&'static str>, took: Duration) {
        match failure {
            None => increment(&self.succeeded),
            Some(code) => self.failed.add(code),
        }
        self.durations.add(took);
    }

    /// Counts a request that was not sent.
    pub(crate) fn not_sent(&self) {
        increment(&self.not_sent);
    }
}

/// Counters of the replay store's failures.
#[derive(Debug, Default)]
pub(crate) struct ReplayFailures {
    full: AtomicU64,
    failed: AtomicU64,
}

impl ReplayFailures {
    pub(crate) fn is_full(&self) {
        increment(&self.full);
    }

    pub(crate) fn fail(&self) {
        increment(&self.failed);
    }

    pub(crate) fn snapshot(&self) -> ReplayStats {
        ReplayStats {
            full: read(&self.full),
            failed: read(&self.failed),
        }
    }
}

/// Counters of failures by code. The codes are constants of this crate, so their number is bounded.
#[derive(Debug, Default)]
struct Failures(Mutex<Vec<(&'static str, u64)>>);

impl Failures {
    fn add(&self, code: &'static str) {
        let mut counts = self.lock();
        match counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((code, 1)),
        }
    }

    fn snapshot(&self) -> Vec<(&'static str, u64)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(&'static str, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A histogram with fixed buckets.
#[derive(Debug, Default)]
struct Durations {
    buckets: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
}

impl Durations {
    fn add(&self, took: Duration) {
        let bucket = BOUNDS.iter().position(|bound| took <= *bound);
        if let Some(bucket) = bucket.and_then(|bucket| self.buckets.get(bucket)) {
            increment(bucket);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn snapshot(&self) -> DurationHistogram {
        let buckets = BOUNDS.iter().zip(&self.buckets);
        DurationHistogram {
            buckets: buckets
                .map(|(bound, count)| (*bound, read(count)))
                .collect(),
            sum: Duration::from_micros(read(&self.micros)),
        }
    }
}

#[inline]
fn increment(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// The maximum number of codes of rejections. With the other three counters they fill three pairs of cache lines.
pub(crate) const REJECTION_SLOTS: usize = 45;
const STRIPES: usize = 8;
const MAX_ROWS: usize = 1024;
const BOUNDS: [Duration; 12] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::MAX,
];

#[cfg(test)]
mod tests;
