//! The revocation log: what a reader learns from real servers, and which losses it notices.

use std::time::{Duration, Instant};

use okta_verifier::revocation::{LogEntry, LogPosition, LogRead, RevocationLog};
use okta_verifier_redis::{RedisConfig, RedisRevocationLog};

use crate::{
    PATIENCE,
    authority::Authority,
    cluster::{self, Cluster},
    pause,
    sentinel::Group,
    server::Server,
    tls::Tls,
    until,
};

const KEEP: Duration = Duration::from_secs(86_400);
pub(crate) const ENTRIES: &str = "okta-verifier:revocation:{rules}:entries";
pub(crate) const LOG: &str = "okta-verifier:revocation:{rules}:log";

/// An instance that reads the log.
struct Instance {
    log: RedisRevocationLog,
    position: Option<LogPosition>,
}

impl Instance {
    fn new(config: RedisConfig) -> Self {
        Self {
            log: RedisRevocationLog::new(config.timeout(PATIENCE)).expect("settings"),
            position: None,
        }
    }

    async fn append(&self, rules: &[&str]) -> Result<(), String> {
        self.append_for(rules, KEEP).await
    }

    async fn append_for(&self, rules: &[&str], keep: Duration) -> Result<(), String> {
        let entries: Vec<_> = rules.iter().map(|rule| entry(rule)).collect();
        self.log.append(&entries, keep).await.map_err(|error| {
            secret_scan::error(&*error);
            error.to_string()
        })
    }

    async fn read(&mut self) -> Result<LogRead, String> {
        let read = self.log.read(self.position.as_ref()).await;
        let read = read.map_err(|error| {
            secret_scan::error(&*error);
            error.to_string()
        })?;
        self.position = Some(read.position.clone());
        Ok(read)
    }

    /// Reads until the log has no more entries. Returns the rules, and whether the log was continuous.
    async fn read_all(&mut self) -> (Vec<String>, bool) {
        let (mut rules, mut is_continuous) = (Vec::new(), true);
        loop {
            let read = self.read().await.expect("a read");
            is_continuous &= read.is_continuous;
            rules.extend(read.entries.iter().map(|entry| entry.as_str().to_owned()));
            if read.is_complete {
                return (rules, is_continuous);
            }
        }
    }

    async fn until_read(&mut self) -> LogRead {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(read) = self.read().await {
                return read;
            }
            assert!(Instant::now() < deadline, "the log is never read again");
            pause().await;
        }
    }
}

fn entry(rule: &str) -> LogEntry {
    LogEntry::parse(rule).expect(rule)
}

fn rules(read: &LogRead) -> Vec<&str> {
    read.entries.iter().map(LogEntry::as_str).collect()
}

/// One server, whose stream can be trimmed to any entry, and two instances that have read everything.
async fn shared() -> (Server, Instance, Instance) {
    let server = Server::with(&["--stream-node-max-entries", "1"]);
    let [mut one, mut other] = [(); 2].map(|()| Instance::new(server.config()));
    for instance in [&mut one, &mut other] {
        let first = instance.read().await.expect("a read");
        assert!(first.is_continuous && first.is_complete && first.entries.is_empty());
    }
    (server, one, other)
}

#[tokio::test]
async fn revocation_log_entries_reach_every_instance_once_and_in_order() {
    let (server, mut one, mut other) = shared().await;
    one.append(&["a", "b"]).await.expect("stored");
    other.append(&["c"]).await.expect("stored");
    one.append(&["b"]).await.expect("stored");
    for instance in [&mut one, &mut other] {
        let read = instance.read().await.expect("a read");
        assert!(read.is_continuous && read.is_complete);
        assert_eq!(rules(&read), ["a", "b", "c", "b"]);
        assert_eq!(instance.read_all().await, (vec![], true));
    }
    let mut late = Instance::new(server.config());
    assert_eq!(late.read_all().await.0.len(), 4);
}

#[tokio::test]
async fn revocation_log_with_many_entries_is_read_in_pages() {
    let (server, mut one, mut other) = shared().await;
    let short: Vec<_> = (0..2_500).map(|number| format!("rule {number}")).collect();
    let short: Vec<_> = short.iter().map(String::as_str).collect();
    one.append(&short).await.expect("stored");
    let first = other.read().await.expect("a read");
    assert!(first.is_continuous && !first.is_complete);
    assert_eq!(first.entries.len(), 1_000);
    let (rest, is_continuous) = other.read_all().await;
    assert!(is_continuous);
    let all: Vec<_> = rules(&first)
        .into_iter()
        .chain(rest.iter().map(String::as_str))
        .collect();
    assert_eq!(all, short);
    // The longest entries, which do not fit into one reply.
    let long = "x".repeat(4_096);
    one.append(&vec![&*long; 400]).await.expect("stored");
    let first = other.read().await.expect("a read");
    assert_eq!((first.entries.len(), first.is_complete), (100, false));
    assert_eq!(other.read_all().await.0.len(), 300);
    assert_eq!(
        one.read_all().await,
        (Instance::new(server.config()).read_all().await.0, true)
    );
}

#[tokio::test]
async fn revocation_log_that_is_emptied_is_not_continuous() {
    for command in [
        "FLUSHALL",
        "SWAPDB 0 1",
        &format!("DEL {ENTRIES}"),
        &format!("DEL {LOG}"),
        &format!("RENAME {ENTRIES} gone"),
    ] {
        let (server, mut one, mut other) = shared().await;
        one.append(&["a", "b"]).await.expect("stored");
        assert!(one.read_all().await.1 && other.read_all().await.1);
        server.call(command);
        // As many entries as before.
        let mut third = Instance::new(server.config());
        third.append(&["c", "d"]).await.expect("stored");
        third.read_all().await;
        for instance in [&mut one, &mut other] {
            let (rules, is_continuous) = instance.read_all().await;
            assert!(!is_continuous, "{command}");
            assert_eq!(rules[rules.len() - 2..], ["c", "d"], "{command}");
            assert_eq!(instance.read_all().await, (vec![], true), "{command}");
        }
    }
}

#[tokio::test]
async fn revocation_log_that_is_emptied_before_its_first_entry_is_not_continuous() {
    let (server, mut one, mut other) = shared().await;
    server.call("FLUSHALL");
    assert_eq!(one.read_all().await, (vec![], false));
    one.append(&["a"]).await.expect("stored");
    assert_eq!(other.read_all().await, (vec!["a".to_owned()], false));
}

/// The server confirmed the entry and lost it before any instance read it: only its writer can notice that.
#[tokio::test]
async fn revocation_log_that_lost_an_unread_entry_is_not_continuous_for_its_writer() {
    let (server, mut one, mut other) = shared().await;
    one.append(&["a"]).await.expect("stored");
    assert!(one.read_all().await.1 && other.read_all().await.1);
    one.append(&["lost"]).await.expect("stored");
    let lost = server.call(&format!("XREVRANGE {ENTRIES} + - COUNT 1"));
    server.call(&format!(
        "XDEL {ENTRIES} {}",
        lost.lines().next().expect("an ID")
    ));
    assert_eq!(other.read_all().await, (vec![], true));
    assert_eq!(one.read_all().await, (vec!["a".to_owned()], false));
    one.append(&["lost"]).await.expect("stored");
    assert_eq!(one.read_all().await, (vec!["lost".to_owned()], true));
    assert_eq!(other.read_all().await, (vec!["lost".to_owned()], true));
}

#[tokio::test]
async fn revocation_log_that_is_trimmed_past_a_slow_reader_is_not_continuous() {
    let (server, mut one, mut other) = shared().await;
    let brief = Duration::from_millis(1);
    one.append_for(&["a", "b", "c"], brief)
        .await
        .expect("stored");
    assert!(one.read_all().await.1 && other.read_all().await.1);
    // The scripts know whole seconds only.
    until(async || is_older_than_a_second(&server)).await;
    // The newest entry remains for those who have read it.
    one.append_for(&["d"], brief).await.expect("stored");
    assert_eq!(server.number(&format!("XLEN {ENTRIES}")), 2);
    assert_eq!(one.read_all().await, (vec!["d".to_owned()], true));
    until(async || is_older_than_a_second(&server)).await;
    one.append_for(&["e"], brief).await.expect("stored");
    assert_eq!(one.read_all().await, (vec!["e".to_owned()], true));
    // The slow reader stopped at `c`.
    let expected = ["d", "e"].map(str::to_owned).to_vec();
    assert_eq!(other.read_all().await, (expected, false));
}

fn is_older_than_a_second(server: &Server) -> bool {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let newest = server.call(&format!("XREVRANGE {ENTRIES} + - COUNT 1"));
    let millis = number(newest.split('-').next().expect("an ID"));
    let now = server.call("TIME");
    number(now.lines().next().expect("seconds")) * 1_000 > millis + 1_000
}

/// Instances have different settings while they are deployed.
#[tokio::test]
async fn revocation_log_keeps_entries_for_the_longest_time_that_an_instance_asked_for() {
    let (server, one, other) = shared().await;
    one.append(&["a", "b"]).await.expect("stored");
    until(async || is_older_than_a_second(&server)).await;
    other
        .append_for(&["c"], Duration::ZERO)
        .await
        .expect("stored");
    one.append_for(&["d"], Duration::MAX).await.expect("stored");
    assert_eq!(server.number(&format!("XLEN {ENTRIES}")), 4);
}

#[tokio::test]
async fn revocation_log_with_another_kind_of_key_or_entry_is_an_error() {
    for commands in [
        vec![format!("SET {ENTRIES} x")],
        vec![format!("SET {LOG} x")],
        vec![format!("HSET {LOG} birth x")],
        vec![format!("XADD {ENTRIES} * x y")],
        vec![format!("XADD {ENTRIES} * t 00000000000000a1 r rule x y")],
    ] {
        let server = Server::start();
        for command in &commands {
            server.call(command);
        }
        let mut instance = Instance::new(server.config());
        assert!(instance.read().await.is_err(), "{commands:?}");
        // A new log helps.
        server.call(&format!("DEL {ENTRIES} {LOG}"));
        assert_eq!(instance.until_read().await.entries, []);
    }
}

/// The rights in okta-verifier/docs/revocation.md.
#[tokio::test]
async fn revocation_log_needs_the_documented_rights_only() {
    let user = "--user api on >hunter2 ~okta-verifier:revocation:* +ping +eval +time +persist +hget +hset +hsetnx +xadd +xrange +xrevrange +xtrim";
    let options: Vec<_> = user.split(' ').collect();
    let server = Server::with(&options);
    let config = || server.config().login("api", "hunter2");
    let mut instance = Instance::new(config());
    for rule in ["a", "b"] {
        instance
            .append_for(&[rule], Duration::ZERO)
            .await
            .expect("stored");
        assert_eq!(instance.read_all().await, (vec![rule.to_owned()], true));
    }
    let log = RedisRevocationLog::new(config()).expect("settings");
    let elsewhere = log.key_prefix("other:").expect("a prefix");
    assert!(elsewhere.read(None).await.is_err());
    // Each of the rights is needed.
    for right in options.iter().filter(|option| option.starts_with('+')) {
        let fewer: Vec<_> = options
            .iter()
            .copied()
            .filter(|option| option != right)
            .collect();
        let server = Server::with(&fewer);
        let mut instance = Instance::new(server.config().login("api", "hunter2"));
        let mut is_used = instance.append_for(&["a"], Duration::ZERO).await.is_ok();
        is_used &= instance.append_for(&["b"], Duration::ZERO).await.is_ok();
        is_used &= instance.read().await.is_ok() && instance.read().await.is_ok();
        server.call("FLUSHALL");
        is_used &= instance.read().await.is_ok();
        assert!(!is_used, "{right}");
    }
}

#[tokio::test]
async fn revocation_log_of_a_full_server_is_read_and_not_appended_to() {
    let (server, mut one, _) = shared().await;
    one.append(&["a"]).await.expect("stored");
    server.call("CONFIG SET maxmemory-policy noeviction");
    server.call("CONFIG SET maxmemory 1");
    let refused = format!("Redis server {} answered with OOM", server.address());
    assert_eq!(one.append(&["b"]).await, Err(refused));
    assert_eq!(rules(&one.until_read().await), ["a"]);
}

/// What such a server returns may be older than what the new primary has.
#[tokio::test]
async fn revocation_log_is_not_read_from_a_replica_or_a_primary_without_its_replicas() {
    let (server, mut one, mut other) = shared().await;
    server.call("CONFIG SET min-replicas-to-write 1");
    let refused = format!("Redis server {} answered with NOREPLICAS", server.address());
    assert_eq!(one.read().await.map(|_| ()), Err(refused));
    server.call("CONFIG SET min-replicas-to-write 0");
    assert!(one.until_read().await.is_continuous);
    server.call("REPLICAOF 127.0.0.1 1");
    let refused = format!("Redis server {} answered with READONLY", server.address());
    assert_eq!(other.read().await.map(|_| ()), Err(refused));
}

/// Stops the replication to the replicas of `primary`, so that they miss what follows.
pub(crate) fn stop_replication(primary: &Server) {
    assert_eq!(primary.call("ACL SETUSER default -psync -sync"), "OK");
    primary.call("CLIENT KILL TYPE replica");
}

pub(crate) async fn until_primary(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !server
        .try_call("ROLE")
        .is_ok_and(|role| role.starts_with("master"))
    {
        assert!(Instant::now() < deadline, "the replica never takes over");
        pause().await;
    }
}

#[tokio::test]
async fn revocation_log_after_a_sentinel_failover_that_lost_entries_is_not_continuous() {
    let mut group = Group::start().await;
    let [mut one, mut other, mut writer] = [(); 3].map(|()| Instance::new(group.config()));
    one.append(&["a", "b", "c"]).await.expect("stored");
    for instance in [&mut one, &mut other, &mut writer] {
        assert_eq!(instance.read_all().await.0.len(), 3);
    }
    group.until_replicated().await;
    stop_replication(&group.primary);
    one.append(&["lost 1", "lost 2"]).await.expect("stored");
    assert!(one.read_all().await.1);
    // Confirmed, and read by no instance.
    writer.append(&["lost 3"]).await.expect("stored");
    group.primary.kill();
    until_primary(&group.replica).await;
    // As many entries as were lost.
    let third = Instance::new(group.replica.config());
    third.append(&["d", "e", "f"]).await.expect("stored");
    let all = ["a", "b", "c", "d", "e", "f"];
    for instance in [&mut one, &mut writer] {
        let read = instance.until_read().await;
        assert!(!read.is_continuous);
        assert_eq!(rules(&read), all);
    }
    // This instance had not read what was lost. It learns it from those that append it again.
    let read = other.until_read().await;
    assert!(read.is_continuous);
    assert_eq!(rules(&read), all[3..]);
}

#[tokio::test]
async fn revocation_log_after_a_cluster_failover_without_a_loss_is_continuous() {
    let mut cluster = Cluster::start().await;
    // The slot of `{rules}` is moved to the primary that has a replica.
    let slot = cluster.primaries[0].number("CLUSTER KEYSLOT {rules}");
    let mut one = Instance::new(cluster.config());
    one.append(&["a"]).await.expect("stored");
    assert_eq!(one.read_all().await, (vec!["a".to_owned()], true));
    let owner = usize::try_from(slot).expect("small") / 5_462;
    let target = cluster::id(&cluster.primaries[0]);
    if owner != 0 {
        let source = cluster::id(&cluster.primaries[owner]);
        cluster.primaries[0].call(&format!("CLUSTER SETSLOT {slot} IMPORTING {source}"));
        cluster.primaries[owner].call(&format!("CLUSTER SETSLOT {slot} MIGRATING {target}"));
        let port = cluster.primaries[0].port;
        let migrate = |key| format!("MIGRATE 127.0.0.1 {port} {key} 0 5000");
        assert_eq!(cluster.primaries[owner].call(&migrate(ENTRIES)), "OK");
        // One key is here and the other there: TRYAGAIN, until both are in one place.
        let error = one.read().await.expect_err("a divided log");
        assert!(error.ends_with("answered with TRYAGAIN"), "{error}");
        assert_eq!(cluster.primaries[owner].call(&migrate(LOG)), "OK");
        assert!(one.until_read().await.is_continuous); // ASK
        for server in &cluster.primaries {
            server.call(&format!("CLUSTER SETSLOT {slot} NODE {target}"));
        }
    }
    assert!(one.until_read().await.is_continuous); // MOVED
    one.append(&["b"]).await.expect("stored");
    until(async || {
        cluster
            .replica
            .field("INFO replication", "slave_repl_offset")
            == cluster.primaries[0].field("INFO replication", "master_repl_offset")
    })
    .await;
    cluster.primaries[0].kill();
    let read = one.until_read().await;
    assert!(read.is_continuous);
    assert_eq!(rules(&read), ["b"]);
    one.append(&["c"]).await.expect("stored");
    assert_eq!(one.read_all().await, (vec!["c".to_owned()], true));
}

#[tokio::test]
async fn revocation_log_is_shared_over_tls() {
    let authority = Authority::new();
    let redis = Tls::start(&authority, "localhost", &[]);
    let config = || RedisConfig::server(redis.address("localhost"));
    assert!(Instance::new(config()).read().await.is_err());
    let private = || config().only_root_certificates(&authority.pem);
    let [one, mut other] = [(); 2].map(|()| Instance::new(private()));
    one.append(&["a"]).await.expect("stored");
    assert_eq!(other.read_all().await, (vec!["a".to_owned()], true));
}

/// The figure is in okta-verifier/docs/revocation.md.
#[tokio::test]
async fn revocation_log_takes_less_than_the_documented_memory_per_entry() {
    let server = Server::start();
    let instance = Instance::new(server.config());
    // As long as the entry of a rule about a subject.
    let rules: Vec<_> = (0..10_000_u32)
        .map(|number| format!("{number:0100}"))
        .collect();
    for rules in rules.chunks(10) {
        instance
            .append(&rules.iter().map(String::as_str).collect::<Vec<_>>())
            .await
            .expect("stored");
    }
    let bytes = server.number(&format!("MEMORY USAGE {ENTRIES} SAMPLES 0")) / 10_000;
    println!("{bytes} bytes per entry of 100 bytes");
    assert!((100..200).contains(&bytes), "{bytes}");
}
