//! A server that is gone, and comes back.

use std::time::{Duration, Instant};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    PATIENCE, World, first_use,
    proxy::{Mode, Proxy},
    server::{Server, free_port},
    store, until,
};

// conformance 170
#[tokio::test]
async fn redis_that_is_down_is_503_until_it_is_back() {
    let (world, mut server) = (World::new(), Server::start());
    let instance = world.instance(server.config());
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
async fn redis_that_starts_after_the_service_is_used() {
    let world = World::new();
    let absent = RedisConfig::server(format!("127.0.0.1:{}", free_port()));
    let instance = world.instance(absent.plaintext());
    assert_eq!(world.status(&instance, &world.proof()).await, 503);
    let mut server = Server::start();
    let instance = world.instance(server.config());
    server.kill();
    assert_eq!(world.status(&instance, &world.proof()).await, 503);
    server.restart();
    until(async || world.status(&instance, &world.proof()).await == 200).await;
}

// conformance 170
#[tokio::test]
async fn redis_that_stands_still_is_503_in_time() {
    let (world, server) = (World::new(), Server::start());
    let config = server.config().timeout(Duration::from_millis(200));
    let store = RedisReplayStore::new(config).expect("settings");
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    server.signal("-STOP");
    let begun = Instant::now();
    let error = first_use(&store, 2).await.expect_err("no reply");
    assert!(error.ends_with("did not answer in time"), "{error}");
    // The server never answers, so the bound can allow for a machine that is busy with something else.
    assert!(begun.elapsed() < 20 * PATIENCE);
    let instance = world.instance(server.config());
    let proof = world.proof();
    let begun = Instant::now();
    assert_eq!(world.status(&instance, &proof).await, 503);
    assert!(begun.elapsed() < 20 * PATIENCE);
    server.signal("-CONT");
    until(async || first_use(&store, 3).await.is_ok()).await;
    // The server had the command already and stored the proof after the caller was gone.
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::Replayed));
    until(async || world.status(&instance, &world.proof()).await == 200).await;
}

#[tokio::test]
async fn redis_connection_that_the_server_closed_costs_no_request() {
    let server = Server::start();
    let store = store(server.config());
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    assert_eq!(server.number("CLIENT KILL TYPE normal SKIPME yes"), 1);
    // Until the runtime has seen it.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::First));
}

// conformance 170
#[tokio::test]
async fn redis_command_whose_reply_is_lost_is_an_error_and_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.port);
    let store = store(proxy.config());
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    proxy.set(Mode::CutReply);
    let error = first_use(&store, 2).await.expect_err("no reply");
    assert!(error.contains("was lost"), "{error}");
    // It was executed, once.
    assert_eq!((server.sets(), server.number("DBSIZE")), (2, 2));
    proxy.set(Mode::Pass);
    until(async || first_use(&store, 3).await.is_ok()).await;
    assert_eq!(server.sets(), 3);
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::Replayed));
    assert_eq!(proxy.connections(), 2);
}
