//! The DPoP replay store: its failures, sharing between instances, and the share of each client.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use okta_verifier::{
    VerifyError,
    adapter::RequestCredentials,
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
    error::UnavailableReason,
};
use tokio::runtime::Builder;
use tracing::Level;

use crate::support::captured_logs::logged_above_debug;
use crate::support::dpop_fixture::{AuthenticationResult, BASE, Fixture, TARGET, code_of};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<HashMap<[u8; 32], Duration>>>);

impl ReplayStore for Shared {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        Box::pin(async move { Ok(proof_use(self.0.lock().unwrap().insert(*proof, keep))) })
    }
}

/// Maps the value that a map held for the proof before to the store's result.
fn proof_use(stored: Option<Duration>) -> ProofUse {
    match stored {
        None => ProofUse::First,
        Some(_) => ProofUse::Replayed,
    }
}

#[derive(Clone, Copy)]
enum Broken {
    Fails,
    Hangs,
}

impl ReplayStore for Broken {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        match self {
            Self::Fails => Box::pin(async { Err("connection rejected".into()) }),
            Self::Hangs => Box::pin(std::future::pending()),
        }
    }
}

pub(super) async fn send(fixture: &Fixture, proof: &str) -> AuthenticationResult {
    let authorization = format!("DPoP {}", fixture.jwt);
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET);
    // An authentication that is dropped before its first poll has not recorded the proof.
    for _ in 0..3 {
        if let Ok(result) = fixture.verifier.authenticate(&credentials).into_ready() {
            assert!(result.is_err(), "a valid proof must wait for the store");
            return result;
        }
    }
    fixture.verifier.authenticate(&credentials).await
}

// conformance 170, 171
#[tokio::test]
async fn replay_store_shared_by_instances_accepts_a_proof_once() {
    let store = Shared::default();
    let other = Fixture::with(DpopSettings::base_url(BASE).replay_store(store.clone()));
    let proof = other.proof().sign();
    assert_eq!(code_of(&send(&other, &proof).await), "ok");
    assert_eq!(code_of(&send(&other, &proof).await), "invalid_dpop_proof");
    // An invalid proof does not reach the store.
    let invalid = other.proof().tampered().sign();
    assert_eq!(code_of(&send(&other, &invalid).await), "invalid_dpop_proof");
    let seen = store.0.lock().unwrap();
    assert_eq!(seen.len(), 1);
    let keep = seen.values().next().unwrap();
    assert!((Duration::from_secs(60 + 355)..=Duration::from_secs(60 + 360)).contains(keep));
}

// conformance 171
#[tokio::test]
async fn replay_store_accepts_one_of_concurrent_requests() {
    let fixture = Fixture::with(DpopSettings::base_url(BASE).replay_store(Shared::default()));
    let proof = fixture.proof().sign();
    let (one, other) = tokio::join!(send(&fixture, &proof), send(&fixture, &proof));
    assert!(one.is_ok() != other.is_ok());
}

// conformance 170
#[tokio::test(start_paused = true)]
async fn replay_store_that_fails_is_503() {
    for store in [Broken::Fails, Broken::Hangs] {
        let fixture = Fixture::with(DpopSettings::base_url(BASE).replay_store(store));
        let rejection = send(&fixture, &fixture.proof().sign()).await.unwrap_err();
        assert_eq!(rejection.status(), 503);
        assert!(matches!(
            rejection.error(),
            Some(VerifyError::Unavailable {
                source: UnavailableReason::ReplayStore { .. },
                ..
            })
        ));
        let text = rejection.error().unwrap().to_string();
        assert!(
            text == "the verification of the token is unavailable",
            "{text}"
        );
        // An invalid proof is rejected without the store.
        let invalid = send(&fixture, &fixture.proof().aged(301).sign()).await;
        assert_eq!(code_of(&invalid), "invalid_dpop_proof");
    }
}

/// A store that works while its flag is set and fails otherwise.
#[derive(Clone, Default)]
struct Fragile(Arc<AtomicBool>);

impl ReplayStore for Fragile {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        let works = self.0.load(Ordering::Relaxed);
        Box::pin(async move {
            works
                .then_some(ProofUse::First)
                .ok_or("it is broken".into())
        })
    }
}

/// Returns what is logged at `info` and above, with a paused clock.
fn logged(future: impl Future<Output = ()>) -> Vec<(Level, String)> {
    let mut runtime = Builder::new_current_thread();
    runtime.start_paused(true);
    logged_above_debug(runtime, future)
}

// conformance 170
#[test]
fn replay_store_failure_and_recovery_are_logged_once() {
    let lines = logged(async {
        let store = Fragile::default();
        let fixture = Fixture::with(DpopSettings::base_url(BASE).replay_store(store.clone()));
        for works in [false, true, false, true] {
            store.0.store(works, Ordering::Relaxed);
            for _ in 0..3 {
                let expected = if works { "ok" } else { "unavailable" };
                let result = send(&fixture, &fixture.proof().sign()).await;
                assert_eq!(code_of(&result), expected);
            }
        }
        tokio::time::advance(Duration::from_secs(5)).await;
        for _ in 0..3 {
            assert!(send(&fixture, &fixture.proof().sign()).await.is_ok());
        }
    });
    let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::INFO], "{lines:?}");
    assert!(lines[0].1.contains("it is broken"), "{lines:?}");
    assert!(lines[0].1.contains("cause=\"it is broken\""), "{lines:?}");
}

// conformance 170
#[test]
fn replay_store_that_is_full_is_logged_once() {
    let lines = logged(async {
        let fixture = Fixture::with(DpopSettings::base_url(BASE).replay_capacity(1));
        assert_eq!(code_of(&fixture.send(&[&fixture.proof().sign()])), "ok");
        for _ in 0..3 {
            let rejection = fixture.send(&[&fixture.proof().sign()]).unwrap_err();
            let error = rejection.error().unwrap();
            assert!(matches!(
                error,
                VerifyError::Unavailable {
                    source: UnavailableReason::ReplayStoreFull,
                    ..
                }
            ));
            assert!(!error.to_string().contains("issuer"), "{error}");
            assert!(error.source().is_some());
            // The response does not show the cause.
            assert_eq!(rejection.status(), 503);
            let names: Vec<_> = rejection.headers().map(|(name, _)| name).collect();
            assert_eq!(names, ["cache-control", "retry-after"]);
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (level, text) = &lines[0];
    assert_eq!(*level, Level::WARN);
    assert!(text.contains("DPoP replay store is full"), "{text}");
}

/// A store that counts its calls, and fails or hangs on demand.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    calls: usize,
    seen: HashMap<[u8; 32], Duration>,
    fails: bool,
    hangs: bool,
}

impl Counting {
    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    fn fails(&self, fails: bool) {
        self.0.lock().unwrap().fails = fails;
    }

    fn hangs(&self, hangs: bool) {
        self.0.lock().unwrap().hangs = hangs;
    }

    /// Returns a fixture with this store, in which a client may have `share` proofs.
    fn fixture(&self, per_caller: usize) -> Fixture {
        let settings = DpopSettings::base_url(BASE).replay_store(self.clone());
        Fixture::with(settings.replay_capacity_per_caller(per_caller))
    }
}

impl ReplayStore for Counting {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        Box::pin(async move {
            let hangs = {
                let mut counts = self.0.lock().unwrap();
                counts.calls += 1;
                counts.hangs
            };
            if hangs {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await; // like a remote store
            let mut counts = self.0.lock().unwrap();
            match counts.fails {
                true => Err("OOM command not allowed".into()),
                false => Ok(proof_use(counts.seen.insert(*proof, keep))),
            }
        })
    }
}

async fn send_new(fixture: &Fixture) -> AuthenticationResult {
    send(fixture, &fixture.proof().sign()).await
}

fn is_full(result: &AuthenticationResult) -> bool {
    let error = result
        .as_ref()
        .err()
        .and_then(|rejection| rejection.error());
    matches!(
        error,
        Some(VerifyError::Unavailable {
            source: UnavailableReason::ReplayStoreFull,
            ..
        })
    )
}

// finding 9
#[tokio::test]
async fn replay_store_is_not_called_for_a_client_over_its_share() {
    let store = Counting::default();
    let mut fixture = store.fixture(3);
    let first = fixture.proof().sign();
    assert_eq!(code_of(&send(&fixture, &first).await), "ok");
    for _ in 0..2 {
        assert_eq!(code_of(&send_new(&fixture).await), "ok");
    }
    for _ in 0..20 {
        let result = send_new(&fixture).await;
        assert!(is_full(&result), "{}", code_of(&result));
        let rejection = result.unwrap_err();
        assert_eq!(rejection.status(), 503);
        assert!(rejection.headers().any(|(name, _)| name == "retry-after"));
    }
    // A proof that was used before is rejected as well.
    assert!(send(&fixture, &first).await.is_err());
    assert_eq!(store.calls(), 3);
    // Another subject and another client have shares of their own.
    let others = [
        fixture.okta.token("bob"),
        fixture.okta.token("ada").client_id("another"),
    ];
    for (number, token) in others.into_iter().enumerate() {
        fixture.jwt = fixture.client.bind(token).sign();
        for _ in 0..3 {
            assert_eq!(code_of(&send_new(&fixture).await), "ok");
        }
        assert!(is_full(&send_new(&fixture).await));
        assert_eq!(store.calls(), 6 + 3 * number);
    }
}

// finding 9
#[tokio::test]
async fn replay_share_limits_concurrent_requests() {
    let store = Counting::default();
    let fixture = store.fixture(3);
    let proofs: Vec<_> = (0..10).map(|_| fixture.proof().sign()).collect();
    let mut requests: Vec<_> = proofs
        .iter()
        .map(|proof| Box::pin(send(&fixture, proof)))
        .collect();
    let mut passed = 0;
    // All of them wait for the store before the first gets its result.
    let first = requests.pop().unwrap();
    let results = std::future::poll_fn(|context| {
        let polled: Vec<_> = requests
            .iter_mut()
            .map(|request| request.as_mut().poll(context))
            .collect();
        std::task::Poll::Ready(polled)
    })
    .await;
    for (request, polled) in requests.into_iter().zip(results) {
        let result = match polled {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => request.await,
        };
        passed += usize::from(result.is_ok());
    }
    assert!(is_full(&first.await));
    assert_eq!((passed, store.calls()), (3, 3));
}

// finding 9
#[tokio::test]
async fn replay_share_is_released_when_the_store_fails_or_has_the_proof() {
    let store = Counting::default();
    let fixture = store.fixture(3);
    store.fails(true);
    for _ in 0..10 {
        let result = send_new(&fixture).await;
        assert_eq!(code_of(&result), "unavailable");
        assert!(!is_full(&result));
    }
    store.fails(false);
    let proof = fixture.proof().sign();
    assert_eq!(code_of(&send(&fixture, &proof).await), "ok");
    // Retries of a used proof do not count against the share.
    for _ in 0..10 {
        assert_eq!(code_of(&send(&fixture, &proof).await), "invalid_dpop_proof");
    }
    for _ in 0..2 {
        assert_eq!(code_of(&send_new(&fixture).await), "ok");
    }
    assert!(is_full(&send_new(&fixture).await));
    assert_eq!(store.calls(), 23);
}

// A proof that may have been stored counts; otherwise a client that disconnects would have no limit.
// finding 9
#[tokio::test(start_paused = true)]
async fn replay_share_counts_a_request_whose_result_is_unknown() {
    let store = Counting::default();
    let fixture = store.fixture(3);
    store.hangs(true);
    let late = send_new(&fixture).await; // sent after one second
    assert_eq!(code_of(&late), "unavailable");
    for _ in 0..2 {
        let brief = Duration::from_millis(10);
        let dropped = tokio::time::timeout(brief, send_new(&fixture)).await;
        assert!(dropped.is_err());
    }
    store.hangs(false);
    assert!(is_full(&send_new(&fixture).await));
    assert_eq!(store.calls(), 3);
}

// A client over its share must not suppress the warning that the store has failed.
// finding 9
#[test]
fn replay_share_and_store_are_logged_separately() {
    let lines = logged(async {
        let store = Counting::default();
        let mut fixture = store.fixture(1);
        assert!(send_new(&fixture).await.is_ok());
        for _ in 0..3 {
            assert!(is_full(&send_new(&fixture).await));
        }
        fixture.jwt = fixture.client.bind(fixture.okta.token("bob")).sign();
        store.fails(true);
        for _ in 0..3 {
            assert!(send_new(&fixture).await.is_err());
        }
        store.fails(false);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(send_new(&fixture).await.is_ok());
    });
    let texts: Vec<_> = lines.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(lines.len(), 4, "{texts:?}");
    for (text, part) in texts
        .iter()
        .zip(["is full", "OOM", "store recovered", "capacity again"])
    {
        assert!(text.contains(part), "{text}: {part}");
    }
}
