//! Servers that send something other than replies, or that close every connection. Each server gets at
//! most one connection per back-off, and cannot exhaust the client's memory.

use std::time::{Duration, Instant};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    LOGIN, NIL, OK,
    fake::{Fake, Reply},
    patient, store, until, until_answered, use_proof,
};

/// The beginning of a reply that does not end.
const BEGIN: &str = "$20000000000\r\n";
/// The most that a server can send to a client that reads 1 MiB: the socket buffers hold the rest.
const TAKEN: usize = 24 << 20;
/// The shortest back-off.
const BACK_OFF: Duration = Duration::from_millis(125);

/// Waits until the client has closed the connection with the endless reply.
async fn until_cut(fake: &Fake) {
    until(async || (fake.flooded() > 0 && fake.closed() > 0).then_some(())).await;
    assert!(fake.flooded() < TAKEN, "{} bytes", fake.flooded());
}

/// Sends many requests and asserts that none of them is accepted.
async fn assert_backed_off(fake: &Fake, store: &RedisReplayStore) {
    let begun = Instant::now();
    for _ in 0..100 {
        assert!(use_proof(store).await.is_err());
    }
    let most = 2 + begun.elapsed().as_millis() / BACK_OFF.as_millis();
    let connections = fake.connections();
    assert!(connections as u128 <= most, "{connections} > {most}");
}

// conformance 170
#[tokio::test]
async fn redis_bytes_without_end_while_idle_close_the_connection() {
    for begin in [BEGIN, "+OK\r\n$20000000000\r\n"] {
        let fake = Fake::new(OK);
        let store = patient(&fake);
        assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
        fake.flood(begin);
        until_cut(&fake).await;
        let unexpected = format!("Redis server {} sent an unexpected reply", fake.address());
        assert_eq!(use_proof(&store).await, Err(unexpected));
        assert_eq!((fake.connections(), fake.count("SET")), (1, 1));
        until_answered(&store).await;
    }
}

// conformance 170
#[tokio::test]
async fn redis_bytes_without_end_as_a_reply_close_the_connection() {
    for command in ["AUTH", "PING", "SET"] {
        let fake = Fake::new(OK);
        fake.reply_to(command, Reply::Endless(BEGIN));
        let config = RedisConfig::server(fake.address()).login("api", LOGIN);
        let store = store(config.timeout(Duration::from_secs(1)));
        assert!(use_proof(&store).await.is_err(), "{command}");
        until_cut(&fake).await;
        assert_backed_off(&fake, &store).await;
    }
}

#[tokio::test]
async fn sentinel_bytes_without_end_close_the_connection() {
    let sentinel = Fake::new(OK);
    sentinel.reply_to("SENTINEL", Reply::Endless(BEGIN));
    let config = RedisConfig::sentinel("orders", [sentinel.address()]);
    let store = store(config.timeout(Duration::from_secs(1)));
    assert!(use_proof(&store).await.is_err());
    until_cut(&sentinel).await;
    assert_backed_off(&sentinel, &store).await;
}

/// Commands that wait for a reply must not raise the limit of an endless reply.
#[tokio::test]
async fn redis_bytes_without_end_are_not_counted_anew_for_each_command() {
    let fake = Fake::new(Reply::Silence);
    let store = patient(&fake);
    let requests: Vec<_> = (0..200)
        .map(|proof| {
            let store = store.clone();
            tokio::spawn(async move { crate::first_use(&store, proof).await })
        })
        .collect();
    until(async || (fake.count("SET") > 0).then_some(())).await;
    fake.flood(BEGIN);
    for request in requests {
        assert!(request.await.unwrap().is_err());
    }
    until_cut(&fake).await;
}

// conformance 170
#[tokio::test]
async fn redis_reply_to_no_command_closes_the_connection() {
    let fake = Fake::new(OK);
    let store = patient(&fake);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    fake.send(OK);
    until(async || (fake.closed() == 1).then_some(())).await;
    assert!(use_proof(&store).await.is_err());
    assert_eq!(fake.count("SET"), 1);
    until_answered(&store).await;
}

// conformance 170
#[tokio::test]
async fn redis_reply_that_comes_before_the_first_command_is_not_its_reply() {
    for number in 0..40 {
        let fake = Fake::new(NIL);
        fake.greeting(OK);
        let config = RedisConfig::server(fake.address()).timeout(Duration::from_secs(1));
        let store = store(match number % 2 {
            0 => config.login("api", LOGIN),
            _ => config,
        });
        // The result is an error, or a replay if the client dropped the early reply before it sent its
        // command.
        assert_ne!(use_proof(&store).await, Ok(ProofUse::First));
        fake.greeting(Reply::Silence);
        if number < 2 {
            assert_eq!(until_answered(&store).await, ProofUse::Replayed);
        }
    }
}

#[tokio::test]
async fn redis_that_does_not_repeat_the_text_of_ping_gets_no_proof() {
    for reply in [
        OK,
        "+PONG\r\n",
        "$4\r\nPONG\r\n",
        "-NOPERM no permissions\r\n",
    ] {
        let fake = Fake::new(OK);
        fake.reply_to("PING", reply);
        let store = patient(&fake);
        assert_backed_off(&fake, &store).await;
        assert_eq!(fake.count("SET"), 0);
    }
}

// conformance 170
#[tokio::test]
async fn redis_that_closes_every_connection_gets_one_per_back_off() {
    let fake = Fake::new(OK);
    fake.greeting(Reply::Close);
    let store = patient(&fake);
    assert_backed_off(&fake, &store).await;
    fake.greeting(Reply::Silence);
    until_answered(&store).await;
}

#[tokio::test]
async fn redis_that_closes_every_connection_before_the_first_reply_gets_one_per_back_off() {
    for command in ["PING", "SET"] {
        let fake = Fake::new(OK);
        fake.reply_to(
            command,
            match command {
                "PING" => Reply::EchoAndClose,
                _ => Reply::Close,
            },
        );
        assert_backed_off(&fake, &patient(&fake)).await;
    }
}
