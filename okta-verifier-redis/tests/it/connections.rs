//! One connection for all requests, one attempt at a time, a back-off after a failure, and no command
//! twice.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use okta_verifier::{VerifyError, dpop::ProofUse, error::UnavailableReason};
use okta_verifier_redis::RedisConfig;

use crate::{
    BRIEF, OK,
    fake::{Fake, Reply},
    first_use, impatient, patient, store, until, until_answered, use_proof,
    world::World,
};

const LATE: &str = "Redis did not answer in time";

// conformance 170
#[tokio::test]
async fn redis_connection_lost_after_the_command_is_an_error_and_not_sent_again() {
    let fake = Fake::new(Reply::Close);
    let store = patient(&fake);
    let lost = format!("the connection to Redis server {} was lost", fake.address());
    assert_eq!(use_proof(&store).await, Err(lost));
    assert_eq!((fake.count("SET"), fake.connections()), (1, 1));
}

// conformance 170
#[tokio::test]
async fn redis_that_is_silent_is_503_within_its_time_and_then_at_once() {
    let fake = Fake::new(Reply::Silence);
    let world = World::new(store(RedisConfig::server(fake.address())));
    let begun = Instant::now();
    let rejection = world.send(None).await.unwrap_err();
    // The default timeout. The text of the error shows that it ended before the timeout of the
    // connection.
    assert!(begun.elapsed() >= Duration::from_millis(499));
    assert_eq!(rejection.status(), 503);
    let error = rejection.error().unwrap();
    assert!(
        matches!(
            error,
            VerifyError::Unavailable {
                source: UnavailableReason::ReplayStore { source },
                ..
            } if source.to_string().ends_with("did not answer in time")
        ),
        "{error:?}"
    );
    assert_eq!((fake.commands().len(), fake.connections()), (1, 1));
    // During the back-off of at least 125 ms no request waits and nothing is sent. If a slow machine
    // delays a request for longer than that, the request connects and waits again, and the next
    // back-off is longer.
    until(async || {
        let sent = (fake.commands().len(), fake.connections());
        assert_eq!(world.send(None).await.unwrap_err().status(), 503);
        (sent == (fake.commands().len(), fake.connections())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn redis_connection_without_a_reply_in_time_is_closed_for_all_that_wait() {
    // Repeated, because on a slow machine the second request may start after the first has timed out.
    for _ in 0..10 {
        let fake = Fake::new(Reply::Silence);
        let config = RedisConfig::server(fake.address()).timeout(4 * BRIEF);
        let store = store(config);
        let earlier = store.clone();
        let mut earlier = tokio::spawn(async move { first_use(&earlier, 1).await });
        assert!(tokio::time::timeout(2 * BRIEF, &mut earlier).await.is_err());
        // This request is sent halfway through the timeout of the first and fails before its own
        // timeout.
        let later = first_use(&store, 2).await.unwrap_err();
        assert!(earlier.await.unwrap().is_err());
        until(async || (fake.closed() == fake.connections()).then_some(())).await;
        if later.contains("was lost") {
            return;
        }
    }
    panic!("each request waited for its own timeout");
}

#[tokio::test]
async fn redis_redirection_outside_of_a_cluster_is_an_error() {
    for code in ["MOVED", "ASK"] {
        let other = Fake::new(OK);
        let fake = Fake::new(format!("-{code} 3999 {}\r\n", other.address()));
        let expected = format!("Redis server {} answered with {code}", fake.address());
        assert_eq!(use_proof(&patient(&fake)).await, Err(expected));
        assert_eq!(other.connections(), 0);
    }
}

#[tokio::test]
async fn redis_connection_that_takes_longer_than_a_request_waits_serves_the_next() {
    // Repeated, because a connection attempt is limited to one second, which a slow machine may exceed.
    for _ in 0..5 {
        let fake = Fake::new(OK);
        fake.otherwise(Reply::Silence);
        let store = impatient(&fake);
        assert!(use_proof(&store).await.is_err());
        fake.otherwise(OK);
        fake.send(OK);
        until_answered(&store).await;
        if fake.connections() == 1 {
            return;
        }
    }
    panic!("each request began anew");
}

#[tokio::test]
async fn redis_database_that_is_refused_is_an_error() {
    let fake = Fake::new(OK);
    fake.otherwise("-ERR DB index is out of range\r\n");
    let config = RedisConfig::server(fake.address()).database(1);
    let store = store(config.timeout(BRIEF));
    // Repeated, because on a slow machine the connection may take longer than the request waits.
    let error = until(async || use_proof(&store).await.err().filter(|error| error != LATE)).await;
    assert_eq!(
        error,
        format!("Redis server {} answered with ERR", fake.address())
    );
    assert_eq!(fake.count("SET"), 0);
    assert_eq!(fake.commands()[0], ["SELECT", "1"]);
}

// conformance 171
#[tokio::test]
async fn redis_connection_is_shared_by_concurrent_requests() {
    let fake = Fake::new(OK);
    let store = patient(&fake);
    let tasks: Vec<_> = (0..100)
        .map(|proof| {
            let store = store.clone();
            tokio::spawn(async move { first_use(&store, proof).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(ProofUse::First));
    }
    assert_eq!((fake.commands().len(), fake.connections()), (100, 1));
}

// conformance 170
#[tokio::test]
async fn redis_connection_is_made_again_after_a_back_off() {
    let fake = Fake::new("-LOADING Redis is loading the dataset in memory\r\n");
    let loading = format!("Redis server {} answered with LOADING", fake.address());
    let store = patient(&fake);
    assert_eq!(use_proof(&store).await, Err(loading.clone()));
    assert_eq!(fake.connections(), 1);
    // During the back-off the store repeats the failure and sends nothing. A slow machine may miss the
    // first back-off.
    let sent = until(async || {
        let sent = fake.commands().len();
        assert_eq!(use_proof(&store).await, Err(loading.clone()));
        (sent == fake.commands().len()).then_some(sent)
    })
    .await;
    // Each command was sent on its own connection.
    assert_eq!(fake.connections(), sent);
    fake.reply(OK);
    assert_eq!(until_answered(&store).await, ProofUse::First);
    assert_eq!(fake.connections(), sent + 1);
    // If the server closes an idle connection, no request fails.
    fake.end_replies();
    until(async || (fake.closed() == sent + 1).then_some(())).await;
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    assert_eq!(fake.connections(), sent + 2);
    assert_eq!(fake.commands().len(), sent + 2);
}

#[tokio::test]
async fn redis_connection_that_is_dead_is_found_although_callers_disconnect() {
    let fake = Fake::new(Reply::Silence);
    let store = impatient(&fake);
    let deadline = Instant::now() + Duration::from_secs(10);
    // Each caller gives up before the store detects that the server does not reply.
    while fake.connections() < 2 {
        let impatient = tokio::time::timeout(BRIEF / 4, use_proof(&store)).await;
        assert_ne!(impatient, Ok(Ok(ProofUse::First)));
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    fake.reply(OK);
    until_answered(&store).await;
}

#[test]
fn redis_connection_is_made_again_after_its_runtime_ended() {
    let fake = Fake::new(OK);
    let store = patient(&fake);
    for _ in 0..2 {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(until_answered(&store));
        // The runtime ends while a command waits for its reply.
        fake.reply(Reply::Silence);
        let impatient = async { tokio::time::timeout(BRIEF / 4, use_proof(&store)).await };
        assert!(runtime.block_on(impatient).is_err());
        fake.reply(OK);
    }
}

#[test]
fn redis_connection_attempt_of_a_runtime_that_stands_still_is_overdue() {
    let fake = Fake::new(OK);
    fake.otherwise(Reply::Silence);
    let store = impatient(&fake);
    let runtime = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap()
    };
    let still = runtime();
    let gone = async { tokio::time::timeout(BRIEF / 4, use_proof(&store)).await };
    assert!(still.block_on(gone).is_err());
    fake.otherwise(OK);
    runtime().block_on(until_answered(&store));
}

#[test]
fn redis_command_without_a_runtime_is_an_error() {
    let store = patient(&Fake::new(OK));
    let mut context = Context::from_waker(Waker::noop());
    let answer = pin!(use_proof(&store)).poll(&mut context);
    assert!(matches!(answer, Poll::Ready(Err(_))));
}
