//! A store that several instances share.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use okta_verifier::{DpopSettings, FetchError, Presented, ReplayAnswer, ReplayStore, VerifyError};
use tracing::Level;

use super::{BASE, TARGET, Verdict, World, code};
use crate::logs::logged;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<HashMap<[u8; 32], Duration>>>);

impl ReplayStore for Shared {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], keep: Duration) -> ReplayAnswer<'a> {
        Box::pin(async move { Ok(self.0.lock().unwrap().insert(*proof, keep).is_none()) })
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
            Self::Fails => Box::pin(async { Err("connection refused".into()) }),
            Self::Hangs => Box::pin(std::future::pending()),
        }
    }
}

pub(super) async fn send(world: &World, proof: &str) -> Verdict {
    let authorization = format!("DPoP {}", world.jwt);
    let presented = Presented::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET);
    // It is elsewhere: nothing can be said at once, however often it is asked.
    for _ in 0..3 {
        assert!(world.verifier.authenticate_now(&presented).is_none());
    }
    world.verifier.authenticate(&presented).await
}

// conformance 170, 171
#[tokio::test]
async fn instances_that_share_a_store_accept_a_proof_once() {
    let store = Shared::default();
    let other = World::with(DpopSettings::base_url(BASE).replay_store(store.clone()));
    let proof = other.proof().sign();
    assert_eq!(code(&send(&other, &proof).await), "ok");
    assert_eq!(code(&send(&other, &proof).await), "invalid_dpop_proof");
    // A bad proof never gets there.
    let bad = other.proof().tampered().sign();
    assert_eq!(code(&send(&other, &bad).await), "invalid_dpop_proof");
    let seen = store.0.lock().unwrap();
    assert_eq!(seen.len(), 1);
    let keep = seen.values().next().unwrap();
    assert!((Duration::from_secs(60 + 355)..=Duration::from_secs(60 + 360)).contains(keep));
}

// conformance 171
#[tokio::test]
async fn of_two_at_once_the_store_lets_one_in() {
    let world = World::with(DpopSettings::base_url(BASE).replay_store(Shared::default()));
    let proof = world.proof().sign();
    let (one, other) = tokio::join!(send(&world, &proof), send(&world, &proof));
    assert!(one.is_ok() != other.is_ok());
}

// conformance 170
#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_refuses_with_503() {
    for store in [Broken::Fails, Broken::Hangs] {
        let world = World::with(DpopSettings::base_url(BASE).replay_store(store));
        let refusal = send(&world, &world.proof().sign()).await.unwrap_err();
        assert_eq!(refusal.status(), 503);
        assert!(matches!(
            refusal.error(),
            Some(VerifyError::Unavailable {
                source: FetchError::ReplayStore { .. },
                ..
            })
        ));
        let text = refusal.error().unwrap().to_string();
        assert!(text == "the token could not be verified", "{text}");
        // What needs no store is told all the same.
        let bad = send(&world, &world.proof().aged(301).sign()).await;
        assert_eq!(code(&bad), "invalid_dpop_proof");
    }
}

/// Works, or does not.
#[derive(Clone, Default)]
struct Fragile(Arc<AtomicBool>);

impl ReplayStore for Fragile {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        let works = self.0.load(Ordering::Relaxed);
        Box::pin(async move { works.then_some(true).ok_or("it is broken".into()) })
    }
}

/// What is logged above `debug`.
fn told(act: impl Future<Output = ()>) -> Vec<(Level, String)> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let mut lines = logged(|| runtime.block_on(act));
    lines.retain(|(level, _)| *level <= Level::INFO);
    lines
}

// conformance 170
#[test]
fn a_store_that_fails_is_one_warning_and_its_return_one_line() {
    let lines = told(async {
        let store = Fragile::default();
        let world = World::with(DpopSettings::base_url(BASE).replay_store(store.clone()));
        for works in [false, true, false, true] {
            store.0.store(works, Ordering::Relaxed);
            for _ in 0..3 {
                let expected = if works { "ok" } else { "unavailable" };
                let verdict = send(&world, &world.proof().sign()).await;
                assert_eq!(code(&verdict), expected);
            }
        }
        tokio::time::advance(Duration::from_secs(5)).await;
        for _ in 0..3 {
            assert!(send(&world, &world.proof().sign()).await.is_ok());
        }
    });
    let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::INFO], "{lines:?}");
    assert!(lines[0].1.contains("it is broken"), "{lines:?}");
    assert!(lines[0].1.contains("cause=\"it is broken\""), "{lines:?}");
}

// conformance 170
#[test]
fn a_full_store_says_so_inside_and_warns_once() {
    let lines = told(async {
        let world = World::with(DpopSettings::base_url(BASE).replay_capacity(1));
        assert_eq!(code(&world.send(&[&world.proof().sign()])), "ok");
        for _ in 0..3 {
            let refusal = world.send(&[&world.proof().sign()]).unwrap_err();
            let error = refusal.error().unwrap();
            assert!(matches!(
                error,
                VerifyError::Unavailable {
                    source: FetchError::ReplayStoreFull,
                    ..
                }
            ));
            assert!(!error.to_string().contains("issuer"), "{error}");
            assert!(error.source().is_some());
            // Nobody outside learns of it.
            assert_eq!(refusal.status(), 503);
            let names: Vec<_> = refusal.headers().map(|(name, _)| name).collect();
            assert_eq!(names, ["cache-control", "retry-after"]);
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (level, text) = &lines[0];
    assert_eq!(*level, Level::WARN);
    assert!(text.contains("DPoP replay store is full"), "{text}");
}
