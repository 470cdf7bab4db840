//! How long an accepted token stays valid: the clocks, withdrawn keys, removed issuers and outages.

use std::{
    mem::size_of_val,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta, Rotation, TestIssuer,
};
use tokio::{
    task::JoinSet,
    time::{Instant, advance, pause, resume, timeout},
};

use super::AUDIENCE;
use crate::{
    Issuer, VerifiedToken, Verifier, VoidReason,
    introspection::{ClientAuthentication, Introspection},
    sync::{clock::Now, retirement::Retirement},
    verified_token::Evidence,
    verifier::{ActiveIssuer, validity::Validity},
};

const SECOND: Duration = Duration::from_secs(1);
const LIFETIME: Duration = Duration::from_secs(600);
/// The maximum time between two checks.
const INTERVAL: Duration = Duration::from_secs(30);

/// Both clocks. The monotonic one is the paused clock of tokio, and the wall clock can be set.
#[derive(Clone)]
struct Clocks {
    start: Now,
    /// By how many seconds the wall clock was set forward.
    set_forward: Arc<AtomicI64>,
}

impl Clocks {
    fn new() -> Self {
        Self {
            start: Now::read(),
            set_forward: Arc::default(),
        }
    }

    fn set_forward(&self, seconds: i64) {
        self.set_forward.fetch_add(seconds, Ordering::SeqCst);
    }

    fn read(&self) -> Now {
        let instant = Instant::now();
        let passed = (instant - self.start.instant).as_secs();
        let unix = self.start.unix + passed;
        Now {
            unix: unix.saturating_add_signed(self.set_forward.load(Ordering::SeqCst)),
            instant,
        }
    }
}

/// A verifier with pinned keys and a token.
async fn pinned() -> (TestIssuer, Verifier, VerifiedToken) {
    let okta = TestIssuer::new(AUDIENCE);
    let verifier = verifier(pinned_issuer(&okta));
    let token = verifier.verify(&okta.token("ada").sign()).await.unwrap();
    (okta, verifier, token)
}

/// A verifier that fetches its keys, and a token.
async fn fetched() -> (MockOkta, Verifier, VerifiedToken) {
    let okta = MockOkta::start().await;
    let verifier = verifier(fetched_issuer(&okta));
    let token = verifier.verify(&okta.token("ada").sign()).await.unwrap();
    (okta, verifier, token)
}

/// Returns the settings of an issuer whose keys are pinned.
fn pinned_issuer(okta: &TestIssuer) -> Issuer {
    Issuer::okta(okta.issuer_url(), AUDIENCE)
        .keys(okta.jwks())
        .any_client_id()
}

/// Returns the settings of an issuer whose keys are fetched.
fn fetched_issuer(okta: &MockOkta) -> Issuer {
    okta.set_audience(AUDIENCE);
    Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id()
}

fn verifier(issuer: Issuer) -> Verifier {
    Verifier::builder().issuer(issuer).build().unwrap()
}

/// Returns the reason if the future is ready without a wait.
fn at_once(void: impl Future<Output = VoidReason>) -> Option<VoidReason> {
    match pin!(void).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reason) => Some(reason),
        Poll::Pending => None,
    }
}

/// Returns the reason of a token whose lifetime begins now, and the time until it is void on the monotonic
/// clock. `act` is called after a minute.
async fn after(act: impl FnOnce(&Clocks)) -> (VoidReason, Duration) {
    let (_okta, verifier, token) = pinned().await;
    let clocks = Clocks::new();
    let end = clocks.start.plus(LIFETIME);
    let validity = Validity::until(&verifier, &token, end).unwrap();
    let reader = clocks.clone();
    let mut void = pin!(validity.ended(move || reader.read()));
    assert!(timeout(60 * SECOND, &mut void).await.is_err());
    act(&clocks);
    let reason = void.await;
    (reason, Instant::now() - clocks.start.instant)
}

/// The timers of tokio are up to a millisecond late.
fn is_about(time: Duration, expected: Duration) -> bool {
    (expected..expected + SECOND / 100).contains(&time)
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_is_void_when_it_expires_and_not_before() {
    let (reason, time) = after(|_| {}).await;
    assert_eq!(reason, VoidReason::Expired);
    assert!(is_about(time, LIFETIME), "{time:?}");
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_is_not_valid_for_longer_if_the_wall_clock_is_set_back() {
    for seconds in [-1, -3_600, -1_000_000_000] {
        let (reason, time) = after(|clocks| clocks.set_forward(seconds)).await;
        assert_eq!(reason, VoidReason::Expired);
        assert!(is_about(time, LIFETIME), "{time:?}");
    }
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_that_expires_because_the_wall_clock_is_set_forward_is_void_within_30_seconds() {
    for seconds in [540, 3_600, 1_000_000_000] {
        let (reason, time) = after(|clocks| clocks.set_forward(seconds)).await;
        assert_eq!(reason, VoidReason::Expired);
        assert!(time <= 60 * SECOND + INTERVAL + SECOND / 100, "{time:?}");
    }
    // The token has five minutes left by then.
    let (_, time) = after(|clocks| clocks.set_forward(240)).await;
    assert!(is_about(time, LIFETIME - 240 * SECOND), "{time:?}");
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_that_expires_while_the_machine_is_suspended_is_void_within_30_seconds() {
    // The monotonic clock stands still meanwhile, so the timer still has its full time to wait.
    let (reason, time) = after(|clocks| clocks.set_forward(8 * 3_600)).await;
    assert_eq!(reason, VoidReason::Expired);
    assert!(time <= 60 * SECOND + INTERVAL + SECOND / 100, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn token_is_void_at_once_if_it_has_expired_on_either_clock() {
    let (_okta, verifier, token) = pinned().await;
    let clocks = Clocks::new();
    let end = clocks.start.plus(LIFETIME);
    let void = |clocks: &Clocks| {
        let validity = Validity::until(&verifier, &token, end).unwrap();
        let reader = clocks.clone();
        at_once(validity.ended(move || reader.read()))
    };
    assert_eq!(void(&clocks), None);
    clocks.set_forward(600);
    assert_eq!(void(&clocks), Some(VoidReason::Expired));
    clocks.set_forward(-600);
    assert_eq!(void(&clocks), None);
    advance(LIFETIME).await;
    clocks.set_forward(-600);
    assert_eq!(void(&clocks), Some(VoidReason::Expired));
}

#[tokio::test]
async fn token_expires_after_the_leeway_of_its_issuer() {
    let okta = TestIssuer::new(AUDIENCE);
    for leeway in [0, 1, 300] {
        let issuer = pinned_issuer(&okta);
        let verifier = verifier(issuer.leeway(Duration::from_secs(leeway)));
        let token = verifier.verify(&okta.token("ada").sign()).await.unwrap();
        let exp: u64 = token.claim("exp").unwrap().unwrap();
        assert_eq!(token.expired_from(), exp + leeway);
    }
    let verifier = verifier(pinned_issuer(&okta).leeway(Duration::ZERO));
    let jwt = okta.token("ada").expires_in(3 * SECOND).sign();
    let token = verifier.verify(&jwt).await.unwrap();
    let void = timeout(10 * SECOND, verifier.until_void(&token)).await;
    assert_eq!(void.unwrap(), VoidReason::Expired);
    assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "expired");
}

#[tokio::test]
async fn token_with_the_largest_exp_is_not_void() {
    let (okta, verifier, _) = pinned().await;
    let jwt = okta.token("ada").expires_at(u64::MAX >> 11).sign();
    let token = verifier.verify(&jwt).await.unwrap();
    assert_eq!(at_once(verifier.until_void(&token)), None);
}

// conformance 246
#[tokio::test]
async fn token_is_void_as_soon_as_its_key_is_withdrawn() {
    let (okta, verifier, token) = fetched().await;
    // The token of the cache too, and one that is verified only while others wait.
    let cached = verifier.verify(&okta.token("bob").sign()).await.unwrap();
    let mut waiting: JoinSet<_> = [&token, &cached, &token.clone()]
        .map(|token| verifier.until_void(token))
        .into_iter()
        .collect();
    okta.rotate(Rotation::Overlap);
    verifier.refresh().await.unwrap();
    let new = verifier.verify(&okta.token("eve").sign()).await.unwrap();
    assert_eq!(at_once(verifier.until_void(&token)), None);
    assert!(waiting.try_join_next().is_none());

    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    while let Some(reason) = timeout(10 * SECOND, waiting.join_next()).await.unwrap() {
        assert_eq!(reason.unwrap(), VoidReason::KeyWithdrawn);
    }
    for token in [&token, &new] {
        let void = at_once(verifier.until_void(token));
        assert_eq!(void, Some(VoidReason::KeyWithdrawn));
    }
    let current = verifier.verify(&okta.token("ada").sign()).await.unwrap();
    assert_eq!(at_once(verifier.until_void(&current)), None);
}

// conformance 246
#[tokio::test]
async fn withdrawn_key_is_noticed_without_requests() {
    let (okta, verifier, token) = fetched().await;
    let waiting = tokio::spawn(verifier.until_void(&token));
    tokio::task::yield_now().await;
    okta.rotate(Rotation::Hard);
    // The keys are due after at most 48 minutes. The token lives for an hour.
    pause();
    advance(50 * 60 * SECOND).await;
    resume();
    let reason = timeout(10 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(reason, VoidReason::KeyWithdrawn);
    assert_eq!(okta.hits().keys, 2);
}

// conformance 247
#[tokio::test]
async fn outage_does_not_make_a_token_void() {
    let okta = MockOkta::start().await;
    let verifier = verifier(fetched_issuer(&okta));
    let jwt = okta.token("ada").expires_in(24 * 3_600 * SECOND).sign();
    let token = verifier.verify(&jwt).await.unwrap();
    okta.fault(Endpoint::Keys, Fault::Status(503));
    okta.fault(Endpoint::Discovery, Fault::Status(503));
    let mut void = pin!(verifier.until_void(&token));
    // The keys are fresh for an hour at most, and trusted for one more.
    pause();
    assert!(timeout(3 * 3_600 * SECOND, &mut void).await.is_err());
    resume();
    assert_eq!(
        verifier.verify(&jwt).await.unwrap_err().code(),
        "unavailable"
    );
    assert_eq!(at_once(verifier.until_void(&token)), None);

    okta.clear_faults();
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    let reason = timeout(10 * SECOND, void).await.unwrap();
    assert_eq!(reason, VoidReason::KeyWithdrawn);
}

// conformance 246
#[tokio::test]
async fn token_is_void_when_its_issuer_is_removed_or_its_settings_are_replaced() {
    let (okta, verifier, token) = fetched().await;
    let issuer = || fetched_issuer(&okta);
    let other = TestIssuer::new(AUDIENCE).at("https://other.test/oauth2/default");
    let other_issuer = || pinned_issuer(&other);
    // The settings of the issuer stay the same.
    let waiting = tokio::spawn(verifier.until_void(&token));
    tokio::task::yield_now().await;
    verifier.set_issuers([issuer(), other_issuer()]).unwrap();
    assert_eq!(at_once(verifier.until_void(&token)), None);
    // Wrong settings change nothing.
    verifier.set_issuers([issuer(), issuer()]).unwrap_err();
    assert_eq!(at_once(verifier.until_void(&token)), None);
    // The issuer stays, with other settings.
    let changed = issuer().leeway(SECOND);
    verifier.set_issuers([changed, other_issuer()]).unwrap();
    let reason = timeout(10 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(reason, VoidReason::IssuerRemoved);

    // The issuer is removed and added again.
    verifier.set_issuers([issuer()]).unwrap();
    let jwt = okta.token("ada").sign();
    let token = verifier.verify(&jwt).await.unwrap();
    let waiting = tokio::spawn(verifier.until_void(&token));
    tokio::task::yield_now().await;
    verifier.set_issuers([other_issuer()]).unwrap();
    verifier.set_issuers([issuer()]).unwrap();
    let reason = timeout(10 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(reason, VoidReason::IssuerRemoved);
    let void = at_once(verifier.until_void(&token));
    assert_eq!(void, Some(VoidReason::IssuerRemoved));
    // The same token, accepted with the new settings, is valid.
    let token = verifier.verify(&jwt).await.unwrap();
    assert_eq!(at_once(verifier.until_void(&token)), None);
}

#[tokio::test]
async fn token_of_another_verifier_is_void_at_once() {
    let (okta, verifier, token) = pinned().await;
    let other = Verifier::builder()
        .issuer(pinned_issuer(&okta))
        .build()
        .unwrap();
    let void = at_once(other.until_void(&token));
    assert_eq!(void, Some(VoidReason::IssuerRemoved));
    // A clone is the same verifier.
    assert_eq!(at_once(verifier.clone().until_void(&token)), None);
}

#[tokio::test]
async fn token_that_was_accepted_by_introspection_has_no_key_and_is_void_with_its_issuer() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = fetched_issuer(&okta);
    let verifier = verifier(issuer.introspection(Introspection::opaque_tokens(client)));
    let opaque = okta.opaque_token("ada").sign();
    let token = verifier.verify(&opaque).await.unwrap();
    let waiting = tokio::spawn(verifier.until_void(&token));
    tokio::task::yield_now().await;
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    assert_eq!(at_once(verifier.until_void(&token)), None);
    let other = TestIssuer::new(AUDIENCE).at("https://other.test/oauth2/default");
    verifier.set_issuers([pinned_issuer(&other)]).unwrap();
    let reason = timeout(10 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(reason, VoidReason::IssuerRemoved);
}

#[tokio::test]
async fn token_that_introspection_narrowed_is_void_with_its_key() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = fetched_issuer(&okta);
    let verifier = verifier(issuer.introspection(Introspection::every_token(client)));
    okta.fault(
        Endpoint::Introspection,
        Fault::Member("scope", r#""orders:read""#),
    );
    let jwt = okta.token("ada").scope("orders:read").scope("orders:write");
    let token = verifier.verify(&jwt.sign()).await.unwrap();
    assert!(token.has_scope("orders:read") && !token.has_scope("orders:write"));
    assert_eq!(at_once(verifier.until_void(&token)), None);
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    let void = at_once(verifier.until_void(&token));
    assert_eq!(void, Some(VoidReason::KeyWithdrawn));
}

#[test]
fn end_of_a_token_cannot_be_awaited_without_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_okta, verifier, token) = runtime.block_on(pinned());
    let void = at_once(verifier.until_void(&token));
    assert_eq!(void, Some(VoidReason::NoRuntime));
}

const WAITERS: usize = 10_000;

#[tokio::test]
async fn ten_thousand_waiters_are_woken_at_once() {
    let (okta, verifier, token) = fetched().await;
    let waiting: JoinSet<_> = (0..WAITERS).map(|_| verifier.until_void(&token)).collect();
    // A task yields to about sixty others at a time.
    for _ in 0..WAITERS / 30 {
        tokio::task::yield_now().await;
    }
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    let reasons = timeout(10 * SECOND, waiting.join_all()).await.unwrap();
    assert_eq!(reasons.len(), WAITERS);
    assert!(reasons.iter().all(|it| *it == VoidReason::KeyWithdrawn));
}

#[tokio::test]
async fn ten_thousand_waiters_check_every_30_seconds_and_send_one_request() {
    let (okta, verifier, token) = fetched().await;
    pause();
    let checks = Arc::new(AtomicI64::new(0));
    let mut waiting: JoinSet<_> = (0..WAITERS)
        .map(|_| {
            let end = Now::read().plus(24 * 3_600 * SECOND);
            let validity = Validity::until(&verifier, &token, end).unwrap();
            let checks = checks.clone();
            validity.ended(move || {
                checks.fetch_add(1, Ordering::Relaxed);
                Now::read()
            })
        })
        .collect();
    let count = || usize::try_from(checks.load(Ordering::Relaxed)).unwrap();
    while count() < WAITERS {
        tokio::task::yield_now().await;
    }
    for round in 2..6 {
        tokio::time::sleep_until(Instant::now() + INTERVAL + SECOND / 10).await;
        assert_eq!(count(), round * WAITERS);
    }
    // The keys are due, so one of the waiters begins a fetch.
    advance(50 * 60 * SECOND).await;
    resume();
    while okta.hits().keys < 2 {
        tokio::task::yield_now().await;
    }
    assert!(waiting.try_join_next().is_none());
    waiting.shutdown().await;
    assert_eq!(okta.hits().keys, 2);
}

#[tokio::test]
async fn waiter_is_small_and_leaves_nothing_behind() {
    let (okta, verifier, token) = fetched().await;
    let Evidence::Key(key) = token.evidence() else {
        panic!("{:?}", token.evidence());
    };
    let key: Weak<Retirement> = Arc::downgrade(key);
    let issuer: Weak<ActiveIssuer> = Arc::downgrade(verifier.configured().iter().next().unwrap());
    let counts = || {
        (
            key.strong_count(),
            issuer.strong_count(),
            Arc::strong_count(&verifier.0),
        )
    };
    let before = counts();
    for polled in [false, true] {
        let mut waiting: Vec<_> = (0..100)
            .map(|_| Box::pin(verifier.until_void(&token)))
            .collect();
        let size = size_of_val(&*waiting[0]);
        assert!(size < 1_024, "{size} bytes");
        for void in &mut waiting {
            if polled {
                assert_eq!(at_once(void), None);
            }
        }
        assert_ne!(counts(), before);
        drop(waiting);
        assert_eq!(counts(), before);
    }
    // Neither a token nor a future keeps the keys of a removed issuer.
    let void = verifier.until_void(&token);
    verifier
        .set_issuers([fetched_issuer(&okta).leeway(SECOND)])
        .unwrap();
    assert_eq!(at_once(void), Some(VoidReason::IssuerRemoved));
    drop(verifier);
    assert_eq!(issuer.strong_count(), 0);
    assert_eq!(token.subject(), "ada");
}
