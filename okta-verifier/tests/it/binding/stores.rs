//! A store that several instances share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use okta_verifier::{DpopSettings, Presented, ReplayAnswer, ReplayStore, VerifyError};

use super::{BASE, TARGET, Verdict, World, code};

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

async fn send(world: &World, proof: &str) -> Verdict {
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
    assert!((Duration::from_secs(55)..=Duration::from_secs(61)).contains(keep));
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
            Some(VerifyError::Unavailable { .. })
        ));
        // What needs no store is told all the same.
        let bad = send(&world, &world.proof().aged(301).sign()).await;
        assert_eq!(code(&bad), "invalid_dpop_proof");
    }
}
