//! A cluster whose slots move and whose primaries fail.

use std::time::{Duration, Instant};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    authority::Authority,
    first_use, key, pause,
    server::{Server, free_port},
    store,
    tls::Tls,
    until,
};

/// Three primaries and a replica of the first.
pub(crate) struct Cluster {
    pub(crate) primaries: Vec<Server>,
    pub(crate) replica: Server,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let nodes: Vec<_> = (0..4).map(|_| Node::start()).collect();
        for (node, slots) in nodes.iter().zip(["0 5461", "5462 10922", "10923 16383"]) {
            assert_eq!(
                node.server.call(&format!("CLUSTER ADDSLOTSRANGE {slots}")),
                "OK"
            );
        }
        // A node takes an epoch only while it knows no other node.
        for (number, node) in nodes.iter().enumerate() {
            let epoch = format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1);
            assert_eq!(node.server.call(&epoch), "OK");
        }
        for (number, node) in nodes.iter().enumerate() {
            for other in &nodes[number + 1..] {
                let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", other.server.port, other.bus);
                assert_eq!(node.server.call(&meet), "OK");
            }
        }
        for node in &nodes {
            until(async || {
                let info = |name| node.server.field("CLUSTER INFO", name);
                info("cluster_state").as_deref() == Some("ok")
                    && info("cluster_known_nodes").as_deref() == Some("4")
            })
            .await;
        }
        let mut servers: Vec<_> = nodes.into_iter().map(|node| node.server).collect();
        let replica = servers.pop().expect("four");
        let replicate = format!("CLUSTER REPLICATE {}", id(&servers[0]));
        assert_eq!(replica.call(&replicate), "OK");
        until(async || {
            replica
                .field("INFO replication", "master_link_status")
                .as_deref()
                == Some("up")
        })
        .await;
        Self {
            primaries: servers,
            replica,
        }
    }

    /// Two of the primaries are seeds.
    pub(crate) fn config(&self) -> RedisConfig {
        let seeds = self.primaries[..2].iter().map(Server::address);
        RedisConfig::cluster(seeds).plaintext()
    }

    fn store(&self) -> RedisReplayStore {
        store(self.config())
    }

    fn sets(&self) -> u32 {
        self.primaries.iter().map(Server::sets).sum()
    }

    /// Which of the primaries has the slot of this proof, at the beginning.
    fn owner(&self, proof: u8) -> usize {
        usize::try_from(slot(&self.primaries[0], proof)).expect("small") / 5462
    }
}

struct Node {
    server: Server,
    bus: u16,
}

impl Node {
    fn start() -> Self {
        let bus = free_port();
        let bus_port = bus.to_string();
        let server = Server::with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus_port,
            "--cluster-node-timeout",
            "1000",
            "--cluster-replica-validity-factor",
            "0",
            "--repl-diskless-sync-delay",
            "0",
        ]);
        Self { server, bus }
    }
}

pub(crate) fn id(server: &Server) -> String {
    server.call("CLUSTER MYID")
}

fn slot(server: &Server, proof: u8) -> i64 {
    server.number(&format!("CLUSTER KEYSLOT {}", key(proof)))
}

// conformance 170
#[tokio::test]
async fn cluster_failover_accepts_no_replicated_proof_twice() {
    let mut cluster = Cluster::start().await;
    let [store, other] = [(); 2].map(|()| cluster.store());
    for proof in 0..60 {
        assert_eq!(first_use(&store, proof).await, Ok(ProofUse::First));
        assert_eq!(first_use(&other, proof).await, Ok(ProofUse::Replayed));
    }
    assert_eq!(cluster.sets(), 120);
    let counts: Vec<_> = cluster
        .primaries
        .iter()
        .map(|it| it.number("DBSIZE"))
        .collect();
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    let of_first = (0..60)
        .find(|proof| cluster.owner(*proof) == 0)
        .expect("a proof");
    let of_second = (0..60)
        .find(|proof| cluster.owner(*proof) == 1)
        .expect("a proof");
    until(async || cluster.replica.number("DBSIZE") == counts[0]).await;
    cluster.primaries[0].kill();
    // The other servers go on until the cluster notices, and the first is an error.
    assert!(first_use(&store, of_first).await.is_err());
    assert_eq!(first_use(&store, of_second).await, Ok(ProofUse::Replayed));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match first_use(&store, of_first).await {
            Ok(ProofUse::Replayed) => break,
            Ok(ProofUse::First) => panic!("a replicated proof was accepted twice"),
            Err(_) => {}
        }
        assert!(Instant::now() < deadline, "no server took over");
        pause().await;
    }
    assert_eq!(cluster.replica.call("ROLE").lines().next(), Some("master"));
    for proof in 0..60 {
        until(async || match first_use(&store, proof).await {
            Ok(answer) => {
                assert_eq!(answer, ProofUse::Replayed);
                true
            }
            Err(_) => false,
        })
        .await;
    }
    for proof in 60..120 {
        assert_eq!(first_use(&store, proof).await, Ok(ProofUse::First));
    }
}

// conformance 170
#[tokio::test]
async fn cluster_slot_that_moves_accepts_no_proof_twice() {
    let cluster = Cluster::start().await;
    let [store, other] = [(); 2].map(|()| cluster.store());
    let proof = (0..)
        .find(|proof| cluster.owner(*proof) == 0)
        .expect("a proof");
    let (source, target) = (&cluster.primaries[0], &cluster.primaries[2]);
    let (slot, key) = (slot(source, proof), key(proof));
    assert_eq!(first_use(&other, proof).await, Ok(ProofUse::First));
    // Stored at the source while the slot is being moved: it executes the command.
    let set = |server: &Server, state: &str| {
        assert_eq!(
            server.call(&format!("CLUSTER SETSLOT {slot} {state}")),
            "OK"
        );
    };
    set(target, &format!("IMPORTING {}", id(source)));
    set(source, &format!("MIGRATING {}", id(target)));
    assert_eq!(first_use(&store, proof).await, Ok(ProofUse::Replayed));
    assert_eq!(source.call(&format!("DEL {key}")), "1");
    // No longer there: ASK.
    let before = cluster.sets();
    assert_eq!(first_use(&store, proof).await, Ok(ProofUse::First));
    assert_eq!(first_use(&other, proof).await, Ok(ProofUse::Replayed));
    assert_eq!((source.number("DBSIZE"), target.number("DBSIZE")), (0, 1));
    // The slot has moved: MOVED.
    for server in [target, source, &cluster.primaries[1]] {
        set(server, &format!("NODE {}", id(target)));
    }
    assert_eq!(first_use(&store, proof).await, Ok(ProofUse::Replayed));
    assert_eq!(first_use(&other, proof).await, Ok(ProofUse::Replayed));
    // Each use was executed once, although the first attempts were redirected.
    assert_eq!(cluster.sets(), before + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cluster_accepts_one_of_many_concurrent_uses() {
    let cluster = Cluster::start().await;
    let stores = [(); 2].map(|()| cluster.store());
    for proof in 0..20 {
        let requests: Vec<_> = (0..20)
            .map(|number| {
                let store = stores[number % 2].clone();
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
    assert_eq!(cluster.sets(), 400);
}

#[tokio::test]
async fn cluster_with_tls_and_login_is_used_with_the_documented_rights() {
    let authority = Authority::new();
    let mut options = vec![
        "--cluster-enabled",
        "yes",
        "--tls-cluster",
        "yes",
        "--cluster-port",
    ];
    let bus = free_port().to_string();
    options.push(&bus);
    let user = "--user api on >hunter2 ~okta-verifier:dpop:* +ping +set +asking +cluster|slots";
    options.extend(user.split(' '));
    let node = Tls::start(&authority, "127.0.0.1", &options);
    let config = || RedisConfig::cluster([node.address("127.0.0.1")]);
    let private = || config().root_certificates(&authority.pem);
    for config in [
        config().login("api", "hunter2"),
        private().login("api", "hunter3"),
    ] {
        let error = first_use(&store(config), 1)
            .await
            .expect_err("no connection");
        assert!(
            error.starts_with("no server of the Redis cluster returned"),
            "{error}"
        );
    }
    assert_eq!(node.server.call("CLUSTER ADDSLOTSRANGE 0 16383"), "OK");
    until(async || {
        node.server
            .field("CLUSTER INFO", "cluster_state")
            .as_deref()
            == Some("ok")
    })
    .await;
    let store = store(private().login("api", "hunter2"));
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::Replayed));
}
