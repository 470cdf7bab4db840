//! What the store answers, and what is in the server then.

use std::time::Duration;

use okta_verifier::dpop::{ProofUse, ReplayStore};
use okta_verifier_redis::RedisConfig;

use crate::{KEEP, first_use, key, server::Server, store, until};

#[tokio::test]
async fn replay_store_accepts_a_proof_once() {
    let server = Server::start();
    let store = store(server.config());
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::Replayed));
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::First));
    assert_eq!(server.number("DBSIZE"), 2);
    assert_eq!(server.sets(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replay_store_accepts_one_of_a_hundred_concurrent_uses() {
    let server = Server::start();
    // Ten instances with ten requests each.
    let instances: Vec<_> = (0..10).map(|_| store(server.config())).collect();
    for proof in 0..20 {
        let requests: Vec<_> = (0..100)
            .map(|number| {
                let store = instances[number % 10].clone();
                tokio::spawn(async move { first_use(&store, proof).await })
            })
            .collect();
        let mut first = 0;
        for request in requests {
            let answer = request.await.expect("no panic").expect("an answer");
            first += u32::from(answer == ProofUse::First);
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
async fn replay_store_keeps_a_key_for_the_given_time() {
    let server = Server::start();
    let store = store(server.config());
    assert_eq!(first_use(&store, 7).await, Ok(ProofUse::First));
    let key = key(7);
    let left = server.number(&format!("PTTL {key}"));
    let keep = i64::try_from(KEEP.as_millis()).expect("small");
    assert!((keep - 10_000..=keep).contains(&left), "{left}");
    // The second use does not prolong it.
    assert_eq!(first_use(&store, 7).await, Ok(ProofUse::Replayed));
    assert!(server.number(&format!("PTTL {key}")) <= left);

    let short = Duration::from_millis(50);
    let answer = store.first_use(&[8; 32], short).await;
    assert_eq!(answer.expect("an answer"), ProofUse::First);
    until(async || server.number("DBSIZE") == 1).await;
    assert_eq!(first_use(&store, 8).await, Ok(ProofUse::First));
}

#[tokio::test]
async fn replay_store_uses_its_database() {
    let server = Server::start();
    let url = format!("redis://{}/3", server.address());
    let configs = [
        RedisConfig::from_url(&url).expect("a URL"),
        server.config().database(3),
    ];
    let expected = [ProofUse::First, ProofUse::Replayed];
    for (config, expected) in configs.into_iter().zip(expected) {
        assert_eq!(first_use(&store(config), 1).await, Ok(expected));
    }
    assert_eq!(server.number("DBSIZE"), 0);
    assert_eq!(server.call("SWAPDB 0 3"), "OK");
    assert_eq!(server.number("DBSIZE"), 1);
}
