//! What is asked, and what stands in the server then.

use std::time::Duration;

use okta_verifier::{ProofUse, ReplayStore};

use crate::{KEEP, ask, server::Server, store, until};

#[tokio::test]
async fn a_proof_is_first_once() {
    let server = Server::start();
    let store = store(&server.url(""));
    assert_eq!(ask(&store, 1).await, Ok(true));
    assert_eq!(ask(&store, 1).await, Ok(false));
    assert_eq!(ask(&store, 2).await, Ok(true));
    assert_eq!(server.number("DBSIZE"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_at_once_one_is_first() {
    let server = Server::start();
    // Ten instances, which ask ten times each.
    let instances: Vec<_> = (0..10).map(|_| store(&server.url(""))).collect();
    for proof in 0..20 {
        let callers: Vec<_> = (0..100)
            .map(|number| {
                let store = instances[number % 10].clone();
                tokio::spawn(async move { ask(&store, proof).await })
            })
            .collect();
        let mut first = 0;
        for caller in callers {
            first += u32::from(caller.await.expect("no panic").expect("an answer"));
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
async fn a_key_lives_as_long_as_it_is_told_to() {
    let server = Server::start();
    let store = store(&server.url("")).key_prefix("p:").expect("a prefix");
    assert_eq!(ask(&store, 7).await, Ok(true));
    let key = "p:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let left = server.number(&format!("PTTL {key}"));
    let keep = i64::try_from(KEEP.as_millis()).expect("small");
    assert!((keep - 10_000..=keep).contains(&left), "{left}");
    // The second one prolongs nothing.
    assert_eq!(ask(&store, 7).await, Ok(false));
    assert!(server.number(&format!("PTTL {key}")) <= left);

    let short = Duration::from_millis(50);
    let answer = store.first_use(&[8; 32], short).await;
    assert_eq!(answer.expect("an answer"), ProofUse::First);
    until(async || server.number("DBSIZE") == 1).await;
    assert_eq!(ask(&store, 8).await, Ok(true));
}

#[tokio::test]
async fn the_urls_database_is_used() {
    let server = Server::start();
    let store = store(&server.url("").replace("/0", "/3"));
    assert_eq!(ask(&store, 1).await, Ok(true));
    assert_eq!(server.number("DBSIZE"), 0);
    assert_eq!(server.ask("SWAPDB 0 3"), "+OK");
    assert_eq!(server.number("DBSIZE"), 1);
}
