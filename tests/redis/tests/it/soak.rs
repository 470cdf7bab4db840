//! Two instances that revoke and verify all the time, while Redis is killed and restarted.

use std::{
    collections::VecDeque,
    env,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::{
    fleet::{Fleet, Instance, Outcome},
    pause,
    revocation_log::ENTRIES,
    server::Server,
    wait,
};

const MAX_LAG: Duration = Duration::from_secs(5);
const PER_SECOND: u32 = 100;
/// From the beginning of one restart to that of the next.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(20);
/// Every other time the server stays down for longer than [`MAX_LAG`].
const LONG_OUTAGE: Duration = Duration::from_secs(7);
/// How long instances may be in doubt after the server is back: the connection is attempted again after 2 s at most, and
/// the log is read again after 1 s at most (okta-verifier/docs/outage.md, "The shared log is down").
const RECOVERY: Duration = Duration::from_secs(3);
/// A read that was answered last before the server was killed may have begun this long before.
const LAST_READ: Duration = Duration::from_secs(1);
/// A machine that builds something else at the same time may be slow.
const SLACK: Duration = Duration::from_secs(3);
/// The senders that wait for an answer at the same time. The others begin later.
const MAX_SENDERS: usize = 100;
/// The revoked tokens that one round of a reader sends, so that the reader does not need the whole processor.
const PER_ROUND: usize = 20;
const BETWEEN_REPEATS: Duration = Duration::from_millis(500);
/// How long the last revocations may take after the others have ended.
const AFTERWARDS: Duration = Duration::from_secs(90);

struct Soak {
    fleet: Fleet,
    instances: [Instance; 2],
    is_over: AtomicBool,
    revoked: Mutex<Vec<Revoked>>,
    /// The times when the server was killed and when it was back.
    outages: Mutex<Vec<(Instant, Option<Instant>)>>,
    repeated: AtomicUsize,
    senders: Semaphore,
    /// How long after the end of an outage the last request that got 503 was sent, in milliseconds.
    recovery: AtomicUsize,
}

/// A token whose revocation succeeded.
#[derive(Clone)]
struct Revoked {
    token: Arc<str>,
    /// The instance that revoked it.
    by: usize,
    /// When `revoke` returned.
    since: Instant,
    /// How long after that an instance still accepted it.
    lag: Duration,
}

#[derive(Default)]
struct Figures {
    accepted: usize,
    rejected: usize,
    unavailable: usize,
    /// How long the other instance still accepted each token, in milliseconds.
    lags: Vec<u128>,
}

impl Soak {
    /// Revokes the tokens of a new user, by turns at both instances, until it succeeds: the sender of an event repeats
    /// it too.
    async fn revoke(self: Arc<Self>, number: usize) {
        let _permit = self.senders.acquire().await.expect("it is never closed");
        let user = format!("user {number}");
        let token = self.fleet.token(&user);
        let by = number % 2;
        while !self.instances[by].revoke(&user).await {
            self.repeated.fetch_add(1, Ordering::Relaxed);
            wait(BETWEEN_REPEATS).await;
        }
        lock(&self.revoked).push(Revoked {
            token: token.into(),
            by,
            since: Instant::now(),
            lag: Duration::ZERO,
        });
    }

    /// Sends requests to one instance: with the tokens that it has not rejected yet, one that it has rejected, and one
    /// that is not revoked.
    async fn read(self: Arc<Self>, number: usize) -> Figures {
        let instance = &self.instances[number];
        let mut figures = Figures::default();
        let valid: Vec<_> = (0..20)
            .map(|number| self.fleet.token(&format!("valid user {number}")))
            .collect();
        let (mut pending, mut rejected) = (VecDeque::<Revoked>::new(), Vec::<Arc<str>>::new());
        let (mut taken, mut round, mut doubts) = (0, 0, 0);
        while !self.is_over.load(Ordering::Relaxed) || !pending.is_empty() {
            {
                let revoked = lock(&self.revoked);
                pending.extend(revoked[taken..].iter().cloned());
                taken = revoked.len();
            }
            for _ in 0..pending.len().min(PER_ROUND) {
                let Some(mut revoked) = pending.pop_front() else {
                    break;
                };
                let begun = Instant::now();
                match self.outcome(instance, &revoked.token, &mut doubts).await {
                    Outcome::Revoked => {
                        figures.rejected += 1;
                        if revoked.by != number {
                            figures.lags.push(revoked.lag.as_millis());
                        }
                        rejected.push(revoked.token);
                        continue;
                    }
                    Outcome::Unavailable => {}
                    Outcome::Accepted => {
                        assert!(revoked.by != number, "the instance accepts what it revoked");
                        revoked.lag = begun.saturating_duration_since(revoked.since);
                        let lag = revoked.lag;
                        assert!(
                            lag < MAX_LAG,
                            "a token was accepted {lag:?} after its revocation"
                        );
                    }
                }
                pending.push_back(revoked);
            }
            if !rejected.is_empty() {
                // A rule that is known applies at all times.
                let token = &rejected[round * 7_919 % rejected.len()];
                assert_eq!(instance.outcome(token).await, Outcome::Revoked);
                figures.rejected += 1;
            }
            match self
                .outcome(instance, &valid[round % valid.len()], &mut doubts)
                .await
            {
                Outcome::Accepted => figures.accepted += 1,
                Outcome::Unavailable => figures.unavailable += 1,
                Outcome::Revoked => panic!("a token that is not revoked was rejected with 401"),
            }
            round += 1;
            pause().await;
        }
        figures
    }

    /// Sends a request, and asserts that it gets 503 only during an outage, and only if the health of the instance says
    /// that it is in doubt, or was so since the last request of this reader.
    async fn outcome(&self, instance: &Instance, token: &str, doubts: &mut u64) -> Outcome {
        let begun = Instant::now();
        let outcome = instance.outcome(token).await;
        if outcome == Outcome::Unavailable {
            let outages = lock(&self.outages);
            assert!(
                outages
                    .iter()
                    .any(|outage| is_in_doubt(*outage, begun, Instant::now())),
                "503 outside of the outages"
            );
            drop(outages);
            let (is_in_doubt, number) = instance.doubt();
            assert!(is_in_doubt || number != *doubts, "503 without a doubt");
            // A doubt that has ended does not explain another 503, except for the one that began before it ended.
            if is_in_doubt {
                *doubts = number - 1;
            } else {
                *doubts = number;
            }
            if let Some((_, Some(end))) = lock(&self.outages).last() {
                let since = begun.saturating_duration_since(*end);
                let millis = usize::try_from(since.as_millis()).expect("small");
                self.recovery.fetch_max(millis, Ordering::Relaxed);
            }
        }
        outcome
    }
}

/// `ci/redis soak -- --nocapture` prints the figures. `REDIS_SOAK=300` lets it run for 300 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revocation_soak_accepts_no_revoked_token_and_rejects_no_other() {
    let seconds = env::var("REDIS_SOAK").map_or(20, |seconds| seconds.parse().expect("seconds"));
    let length = Duration::from_secs(seconds);
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let fleet = Fleet::new();
    let instances = [(); 2].map(|()| fleet.instance(server.config(), MAX_LAG));
    for instance in &instances {
        // The first load may take longer than a request waits for it.
        instance
            .until(&fleet.token("grace"), Outcome::Accepted)
            .await;
    }
    let soak = Arc::new(Soak {
        fleet,
        instances,
        is_over: AtomicBool::new(false),
        revoked: Mutex::default(),
        outages: Mutex::default(),
        repeated: AtomicUsize::new(0),
        senders: Semaphore::new(MAX_SENDERS),
        recovery: AtomicUsize::new(0),
    });
    let begun = Instant::now();
    let readers = [0, 1].map(|instance| tokio::spawn(soak.clone().read(instance)));
    let writer = tokio::spawn(write(soak.clone(), begun, length));
    let mut restarts = 0;
    // The first restart comes after half of the shortest run.
    let mut next = begun + length.min(BETWEEN_RESTARTS) / 2;
    while next + LONG_OUTAGE < begun + length {
        while Instant::now() < next {
            pause().await;
        }
        lock(&soak.outages).push((Instant::now(), None));
        server.kill();
        let back = Instant::now() + LONG_OUTAGE;
        while restarts % 2 == 0 && Instant::now() < back {
            pause().await;
        }
        server.restart();
        lock(&soak.outages).last_mut().expect("an outage").1 = Some(Instant::now());
        restarts += 1;
        next += BETWEEN_RESTARTS;
    }
    let limit = length + AFTERWARDS - begun.elapsed();
    let written = tokio::time::timeout(limit, writer).await;
    written
        .expect("the log recovers in time")
        .expect("every rule is stored");
    soak.is_over.store(true, Ordering::Relaxed);
    let mut all = Figures::default();
    for reader in readers {
        let figures = tokio::time::timeout(AFTERWARDS, reader).await;
        let figures = figures
            .expect("the log recovers in time")
            .expect("no wrong outcome");
        all.accepted += figures.accepted;
        all.rejected += figures.rejected;
        all.unavailable += figures.unavailable;
        all.lags.extend(figures.lags);
    }
    all.lags.sort_unstable();
    let revoked = lock(&soak.revoked).len();
    assert_eq!(all.lags.len(), revoked);
    let entries = server.number(&format!("XLEN {ENTRIES}"));
    let doubts: u64 = soak
        .instances
        .iter()
        .map(|instance| instance.doubt().1)
        .sum();
    println!(
        "{} s, {restarts} restarts, {revoked} revocations, {} appends failed and were repeated; valid tokens: {} times 200, {} \
         times 503, the last one {} ms after the server was back, never 401; revoked tokens: {} times 401, accepted by the other instance for {} ms (median), {} ms \
         (99 %), {} ms (longest), at most {} ms allowed; {doubts} doubts; {entries} entries in the log",
        begun.elapsed().as_secs(),
        soak.repeated.load(Ordering::Relaxed),
        all.accepted,
        all.unavailable,
        soak.recovery.load(Ordering::Relaxed),
        all.rejected,
        all.lags[all.lags.len() / 2],
        all.lags[all.lags.len() * 99 / 100],
        all.lags[all.lags.len() - 1],
        MAX_LAG.as_millis(),
    );
}

/// Returns whether a request may get 503 because of an outage: the rules are trusted for [`MAX_LAG`] after the last read,
/// and are complete again after [`RECOVERY`].
fn is_in_doubt(
    (killed, back): (Instant, Option<Instant>),
    begun: Instant,
    answered: Instant,
) -> bool {
    let has_begun = answered >= killed + MAX_LAG - LAST_READ;
    has_begun && back.is_none_or(|back| begun < back + RECOVERY + SLACK)
}

/// Begins 100 revocations per second, and ends when all have succeeded.
async fn write(soak: Arc<Soak>, begun: Instant, length: Duration) {
    let mut running = tokio::task::JoinSet::new();
    let mut number = 0;
    while begun.elapsed() < length {
        while begun + number * (Duration::from_secs(1) / PER_SECOND) < Instant::now() {
            running.spawn(soak.clone().revoke(usize::try_from(number).expect("small")));
            number += 1;
        }
        while running.try_join_next().is_some() {}
        pause().await;
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("no panic");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
