//! A primary that sentinels name.

use std::time::{Duration, Instant};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    authority::Authority,
    first_use, pause,
    server::{Server, free_port},
    store,
    tls::Tls,
    until,
};

/// A primary, a replica and three sentinels.
pub(crate) struct Group {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
    sentinels: [Server; 3],
}

impl Group {
    pub(crate) async fn start() -> Self {
        let primary = Server::with(&["--repl-diskless-sync-delay", "0"]);
        let of = format!("127.0.0.1 {}", primary.port);
        let replica = Server::with(&["--replicaof", &of, "--repl-diskless-sync-delay", "0"]);
        until(async || {
            replica
                .field("INFO replication", "master_link_status")
                .as_deref()
                == Some("up")
        })
        .await;
        let monitor = format!(
            "sentinel monitor orders 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds orders 500\n\
             sentinel failover-timeout orders 3000\n",
            primary.port
        );
        let sentinels = [(); 3].map(|()| Server::sentinel(&monitor));
        for sentinel in &sentinels {
            // A slow machine must not put a sentinel into its TILT mode, which lasts 30 s.
            let set = sentinel.call(
                "SENTINEL DEBUG INFO-PERIOD 200 PUBLISH-PERIOD 200 PING-PERIOD 100 ASK-PERIOD 100 TILT-TRIGGER 60000",
            );
            assert_eq!(set, "OK");
        }
        for sentinel in &sentinels {
            until(async || {
                let group = sentinel.call("SENTINEL MASTER orders");
                let lines: Vec<_> = group.lines().collect();
                let has = |name, value| lines.windows(2).any(|pair| pair == [name, value]);
                has("num-other-sentinels", "2") && has("num-slaves", "1")
            })
            .await;
        }
        Self {
            primary,
            replica,
            sentinels,
        }
    }

    fn store(&self) -> RedisReplayStore {
        store(self.config())
    }

    pub(crate) fn config(&self) -> RedisConfig {
        let sentinels = self.sentinels.each_ref().map(Server::address);
        RedisConfig::sentinel("orders", sentinels).plaintext()
    }

    pub(crate) async fn until_replicated(&self) {
        let offset = |server: &Server, name| server.field("INFO replication", name);
        until(async || {
            offset(&self.primary, "master_repl_offset")
                == offset(&self.replica, "slave_repl_offset")
        })
        .await;
    }
}

// conformance 170
#[tokio::test]
async fn sentinel_failover_accepts_no_replicated_proof_twice() {
    let mut group = Group::start().await;
    let [store, other] = [(); 2].map(|()| group.store());
    for proof in 0..20 {
        assert_eq!(first_use(&store, proof).await, Ok(ProofUse::First));
        assert_eq!(first_use(&other, proof).await, Ok(ProofUse::Replayed));
    }
    assert_eq!(group.primary.number("DBSIZE"), 20);
    group.until_replicated().await;
    group.primary.kill();
    // The sentinels may need several elections on a busy machine.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut failures = 0;
    // A used proof is never accepted: an error while there is no primary, and a replay afterwards.
    loop {
        match first_use(&store, 0).await {
            Ok(ProofUse::Replayed) => break,
            Ok(ProofUse::First) => panic!("a replicated proof was accepted twice"),
            Err(_) => failures += 1,
        }
        assert!(
            Instant::now() < deadline,
            "no primary after {failures} failures"
        );
        pause().await;
    }
    assert!(failures > 0);
    assert_eq!(group.replica.call("ROLE").lines().next(), Some("master"));
    for proof in 0..20 {
        assert_eq!(first_use(&store, proof).await, Ok(ProofUse::Replayed));
    }
    assert_eq!(first_use(&store, 20).await, Ok(ProofUse::First));
    until(async || first_use(&other, 20).await == Ok(ProofUse::Replayed)).await;
    // The former primary comes back, and the sentinels make it a replica.
    group.primary.restart();
    until(async || group.primary.call("ROLE").starts_with("slave")).await;
    assert_eq!(first_use(&group.store(), 20).await, Ok(ProofUse::Replayed));
    assert_eq!(first_use(&store, 21).await, Ok(ProofUse::First));
}

#[tokio::test]
async fn sentinel_with_tls_and_logins_is_used_with_the_documented_rights() {
    const SERVERS: &str = "servers-5ecret-0123456789";
    const SENTINELS: &str = "sentinels-5ecret-0123456789";
    secret_scan::secret(SERVERS);
    secret_scan::secret(SENTINELS);
    let authority = Authority::new();
    let user = format!("--user api on >{SERVERS} ~okta-verifier:dpop:* +ping +set +role");
    let primary = Tls::start(
        &authority,
        "127.0.0.1",
        &user.split(' ').collect::<Vec<_>>(),
    );
    let (files, tls_port) = (authority.files("127.0.0.1"), free_port());
    let mut configuration: String = files
        .options(tls_port)
        .chunks(2)
        .map(|option| format!("{} {}\n", &option[0][2..], option[1]))
        .collect();
    let address = primary.address("127.0.0.1");
    configuration += &format!(
        "tls-replication yes\n\
         sentinel monitor orders {} 1\n\
         user watch on >{SENTINELS} +sentinel|get-master-addr-by-name\n",
        address.replace(':', " ")
    );
    let _sentinel = Server::sentinel(&configuration);
    let sentinels = || {
        let address = format!("127.0.0.1:{tls_port}");
        RedisConfig::sentinel("orders", [address]).root_certificates(&authority.pem)
    };
    for config in [
        // One login at the other place.
        sentinels()
            .login("api", SENTINELS)
            .sentinel_login("watch", SENTINELS),
        sentinels()
            .login("api", SERVERS)
            .sentinel_login("watch", SERVERS),
        sentinels()
            .sentinel_login("watch", SENTINELS)
            .login("nobody", SERVERS),
    ] {
        let error = first_use(&store(config), 1).await.expect_err("no login");
        assert!(error.starts_with("no sentinel names a primary"), "{error}");
    }
    assert_eq!(primary.server.number("DBSIZE"), 0);
    let right = sentinels()
        .login("api", SERVERS)
        .sentinel_login("watch", SENTINELS);
    let right = store(right);
    until(async || first_use(&right, 1).await.is_ok()).await;
    assert_eq!(first_use(&right, 1).await, Ok(ProofUse::Replayed));
}
