//! A server that is gone, and comes back.

use std::time::{Duration, Instant};

use okta_verifier::RedisReplayStore;

use crate::{
    PATIENCE, World, ask,
    server::{Server, free_port},
    store, until,
};

// conformance 170
#[tokio::test]
async fn without_the_server_nobody_is_let_in_and_with_it_all_are_again() {
    let (world, mut server) = (World::new(), Server::start());
    let instance = world.instance(&server.url(""));
    assert_eq!(world.status(&instance, &world.proof()).await, 200);
    server.kill();
    for _ in 0..20 {
        assert_eq!(world.status(&instance, &world.proof()).await, 503);
    }
    server.restart();
    until(async || world.status(&instance, &world.proof()).await == 200).await;
    assert_eq!(world.status(&instance, &world.proof()).await, 200);
}

// conformance 170
#[tokio::test]
async fn a_service_starts_before_its_server() {
    let world = World::new();
    let instance = world.instance(&format!("redis://127.0.0.1:{}", free_port()));
    assert_eq!(world.status(&instance, &world.proof()).await, 503);
    let mut server = Server::start();
    let instance = world.instance(&server.url(""));
    server.kill();
    assert_eq!(world.status(&instance, &world.proof()).await, 503);
    server.restart();
    until(async || world.status(&instance, &world.proof()).await == 200).await;
}

// conformance 170
#[tokio::test]
async fn a_server_that_stands_still_is_503_in_time() {
    let (world, server) = (World::new(), Server::start());
    let store = RedisReplayStore::new(&server.url("")).expect("a URL");
    let store = store
        .timeout(Duration::from_millis(200))
        .expect("in bounds");
    assert_eq!(ask(&store, 1).await, Ok(true));
    server.signal("-STOP");
    let begun = Instant::now();
    assert_eq!(
        ask(&store, 2).await,
        Err("Redis did not answer in time".to_owned())
    );
    // The server never answers, so the bound can allow for a machine that is busy with something else.
    assert!(begun.elapsed() < 20 * PATIENCE);
    let instance = world.instance(&server.url(""));
    let proof = world.proof();
    let begun = Instant::now();
    assert_eq!(world.status(&instance, &proof).await, 503);
    assert!(begun.elapsed() < 20 * PATIENCE);
    server.signal("-CONT");
    until(async || ask(&store, 3).await.is_ok()).await;
    // It had the question already, and stored it after we had gone: closed.
    assert_eq!(ask(&store, 2).await, Ok(false));
    until(async || world.status(&instance, &world.proof()).await == 200).await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_nobody_an_answer() {
    let server = Server::start();
    let store = store(&server.url(""));
    assert_eq!(ask(&store, 1).await, Ok(true));
    assert_eq!(server.number("CLIENT KILL TYPE normal SKIPME yes"), 1);
    // Until the news has come.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&store, 2).await, Ok(true));
}
