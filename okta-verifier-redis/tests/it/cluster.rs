//! To which server a cluster's commands are sent, and after which replies they are sent again.

use std::time::Duration;

use okta_verifier::dpop::{ProofUse, ReplayStore};
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    KEEP, NIL, OK,
    fake::{Fake, Reply, bulk},
    store, until, until_answered, use_proof,
};

const DOWN: &str = "-CLUSTERDOWN The cluster is down\r\n";

/// The reply to `CLUSTER SLOTS` that gives all slots to one server.
fn slots(owner: &Fake) -> String {
    format!(
        "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n{}:{}\r\n",
        bulk("127.0.0.1"),
        owner.port()
    )
}

fn server(owner: Option<&Fake>) -> Fake {
    let fake = Fake::new(OK);
    let reply = slots(owner.unwrap_or(&fake));
    fake.reply_to("CLUSTER", reply);
    fake
}

fn of(seeds: &[&Fake]) -> RedisReplayStore {
    let config = RedisConfig::cluster(seeds.iter().map(|seed| seed.address()));
    store(config.timeout(Duration::from_secs(1)))
}

fn moved(kind: &str, to: &Fake) -> String {
    format!("-{kind} 3999 {}\r\n", to.address())
}

#[tokio::test]
async fn cluster_without_a_topology_is_an_error() {
    for reply in [
        "*0\r\n",
        "+OK\r\n",
        "*1\r\n+OK\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\n?\r\n:1\r\n",
        "-ERR This instance has cluster support disabled\r\n",
        "-NOPERM this user has no permissions\r\n",
        DOWN,
    ] {
        let seed = server(None);
        seed.reply_to("CLUSTER", reply);
        let error = use_proof(&of(&[&seed])).await.unwrap_err();
        let expected = "no server of the Redis cluster returned the assignment of the slots";
        assert_eq!(error, expected, "{reply:?}");
        assert_eq!(seed.count("SET"), 0);
    }
}

#[tokio::test]
async fn cluster_slot_without_a_server_is_an_error() {
    let seed = server(None);
    let one = slots(&seed).replace(":16383", ":0");
    seed.reply_to("CLUSTER", one);
    let store = of(&[&seed]);
    let error = use_proof(&store).await.unwrap_err();
    assert_eq!(
        error,
        "no server of the Redis cluster serves the slot of the key"
    );
    seed.reply_to("CLUSTER", slots(&seed));
    until_answered(&store).await;
}

// conformance 170
#[tokio::test]
async fn cluster_command_is_not_sent_again_after_a_lost_connection() {
    for lost in [Reply::Close, Reply::Silence] {
        let (other, owner) = (server(None), Fake::new(lost));
        other.reply_to("CLUSTER", slots(&owner));
        // The same holds for a command that was redirected before the connection was lost.
        other.reply(moved("MOVED", &owner));
        let store = of(&[&other]);
        assert!(use_proof(&store).await.is_err());
        assert_eq!((owner.count("SET"), other.count("SET")), (1, 0));
        other.reply_to("CLUSTER", slots(&other));
        let store = of(&[&other]);
        assert!(use_proof(&store).await.is_err());
        assert_eq!((owner.count("SET"), other.count("SET")), (2, 1));
    }
}

#[tokio::test]
async fn cluster_redirections_in_a_circle_end() {
    let (one, other) = (server(None), server(None));
    one.reply(moved("MOVED", &other));
    other.reply(moved("ASK", &one));
    let error = use_proof(&of(&[&one])).await.unwrap_err();
    assert_eq!(error, "the Redis cluster redirected a command too often");
    assert_eq!(one.count("SET") + other.count("SET"), 4);
}

#[tokio::test]
async fn cluster_redirection_to_no_server_is_an_error() {
    for to in [
        "",
        "-MOVED\r\n",
        "-MOVED 3999\r\n",
        "-MOVED 3999 ?:1\r\n",
        "-ASK x y\r\n",
    ] {
        let seed = server(None);
        seed.reply(if to.is_empty() { "-ASK 1\r\n" } else { to });
        assert!(use_proof(&of(&[&seed])).await.is_err(), "{to}");
        assert_eq!(seed.count("SET"), 1);
    }
}

#[tokio::test]
async fn cluster_that_is_down_is_an_error_and_keeps_its_connections() {
    let seed = server(None);
    seed.reply(DOWN);
    let store = of(&[&seed]);
    let down = format!("Redis server {} answered with CLUSTERDOWN", seed.address());
    for _ in 0..3 {
        assert_eq!(use_proof(&store).await, Err(down.clone()));
    }
    assert_eq!((seed.count("SET"), seed.connections()), (3, 1));
    seed.reply(OK);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
}

#[tokio::test]
async fn cluster_moved_slot_is_followed_and_remembered() {
    let (former, owner) = (server(None), server(None));
    let store = of(&[&former]);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    // No server knows the new topology yet.
    for fake in [&former, &owner] {
        fake.reply_to("CLUSTER", "-TRYAGAIN later\r\n");
    }
    former.reply(moved("MOVED", &owner));
    owner.reply(NIL);
    for _ in 0..3 {
        assert_eq!(use_proof(&store).await, Ok(ProofUse::Replayed));
    }
    assert_eq!((former.count("SET"), owner.count("SET")), (2, 3));
}

#[tokio::test]
async fn cluster_topology_is_fetched_again_after_a_redirection() {
    let (former, owner) = (server(None), server(None));
    former.reply(moved("MOVED", &owner));
    let store = of(&[&former]);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    for fake in [&former, &owner] {
        fake.reply_to("CLUSTER", slots(&owner));
    }
    // Proofs of many slots, each of which is redirected once until the refresh.
    let mut number = 0_u32;
    until(async || {
        let before = former.count("SET");
        for _ in 0..10 {
            number += 1;
            let mut proof = [0; 32];
            proof[..4].copy_from_slice(&number.to_be_bytes());
            let answer = store.first_use(&proof, KEEP).await;
            assert_eq!(answer.unwrap(), ProofUse::First);
        }
        (former.count("SET") == before).then_some(())
    })
    .await;
    assert!(former.count("CLUSTER") + owner.count("CLUSTER") > 1);
}

#[tokio::test]
async fn cluster_key_that_is_being_moved_is_stored_at_its_new_server() {
    let (source, target) = (server(None), Fake::new(OK));
    source.reply(moved("ASK", &target));
    let store = of(&[&source]);
    for _ in 0..2 {
        assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    }
    let names: Vec<_> = target
        .commands()
        .into_iter()
        .map(|command| command[0].clone())
        .collect();
    assert_eq!(names, ["ASKING", "SET", "ASKING", "SET"]);
    // `ASK` does not change the owner of the slot.
    assert_eq!(source.count("SET"), 2);
}

#[tokio::test]
async fn cluster_server_that_fails_does_not_hold_up_the_others() {
    let (dead, seed) = (Fake::new(Reply::Silence), server(None));
    dead.otherwise(Reply::Silence);
    dead.reply_to("CLUSTER", Reply::Silence);
    seed.reply_to("CLUSTER", slots(&dead));
    let config = RedisConfig::cluster([dead.address(), seed.address()]);
    let store = store(config.timeout(crate::BRIEF));
    assert!(use_proof(&store).await.is_err());
    // A replica has taken over.
    let primary = server(None);
    seed.reply_to("CLUSTER", slots(&primary));
    assert_eq!(until_answered(&store).await, ProofUse::First);
    assert_eq!(primary.count("SET"), 1);
}

#[tokio::test]
async fn cluster_redirections_to_too_many_servers_are_an_error() {
    let (seed, other) = (server(None), Fake::new(OK));
    let store = of(&[&seed]);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    // Without a new topology the count of redirected servers is not reset.
    seed.reply_to("CLUSTER", "-TRYAGAIN later\r\n");
    let many = Err("the Redis cluster redirected commands to too many servers".to_owned());
    // Nothing listens at these addresses.
    for number in 1..=64 {
        seed.reply(format!("-ASK 3999 127.0.1.{number}:1\r\n"));
        let answer = use_proof(&store).await;
        assert!(answer.is_err() && answer != many, "{number}: {answer:?}");
    }
    for kind in ["ASK", "MOVED"] {
        seed.reply(moved(kind, &other));
        assert_eq!(use_proof(&store).await, many, "{kind}");
    }
    assert_eq!(other.connections(), 0);
    // A server that a redirection has named before does not count again.
    seed.reply("-ASK 3999 127.0.1.1:1\r\n");
    assert_ne!(use_proof(&store).await, many);
    // The next topology resets the count.
    seed.reply_to("CLUSTER", slots(&seed));
    seed.reply(moved("ASK", &other));
    assert_eq!(until_answered(&store).await, ProofUse::First);
}
