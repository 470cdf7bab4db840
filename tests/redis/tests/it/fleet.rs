//! Instances of a service that share their rules about revoked tokens, and what they do when the log fails.

use std::{
    fmt,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use okta_verifier::{
    Verifier,
    revocation::{Doubt, Revocations, Rule, SubjectClaim},
};
use okta_verifier_redis::{RedisConfig, RedisRevocationLog};
use okta_verifier_testing::TestIssuer;

use crate::{
    PATIENCE, pause,
    proxy::{Mode, Proxy},
    revocation_log::{ENTRIES, LOG, stop_replication, until_primary},
    sentinel::Group,
    server::Server,
};

/// The shortest time that the settings allow.
const MAX_LAG: Duration = Duration::from_secs(2);
/// A machine that builds something else at the same time may be slow.
const SLACK: Duration = Duration::from_secs(20);

const DOCUMENT: &str = include_str!("../../../../okta-verifier/docs/revocation.md");

/// An issuer, whose tokens all instances accept.
pub(crate) struct Fleet(TestIssuer);

pub(crate) struct Instance {
    issuer: String,
    revocations: Revocations,
    verifier: Verifier,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// 401
    Revoked,
    /// 503
    Unavailable,
}

use Outcome::{Accepted, Revoked, Unavailable};

impl Fleet {
    pub(crate) fn new() -> Self {
        let okta = TestIssuer::new("api://orders");
        secret_scan::public(okta.issuer_url());
        Self(okta)
    }

    pub(crate) fn instance(&self, redis: RedisConfig, max_lag: Duration) -> Instance {
        let log = RedisRevocationLog::new(redis.timeout(PATIENCE));
        let revocations = Revocations::builder()
            .log(log.expect("settings"))
            .max_lag(max_lag)
            .in_doubt(Doubt::Reject)
            .build()
            .expect("settings");
        let verifier = Verifier::builder()
            .issuer(self.0.issuer().any_client_id())
            .revocations(revocations.clone())
            .build()
            .expect("settings");
        Instance {
            issuer: self.0.issuer_url().to_owned(),
            revocations,
            verifier,
        }
    }

    /// Returns an instance that has read the log.
    async fn ready(&self, redis: RedisConfig) -> Instance {
        let instance = self.instance(redis, MAX_LAG);
        instance.until(&self.token("grace"), Accepted).await;
        instance
    }

    /// Returns a token that was issued a minute ago, so that every rule about its user revokes it.
    pub(crate) fn token(&self, user: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let iat = now.expect("a time after 1970").as_secs() - 60;
        self.0.token(user).claim("iat", iat).sign()
    }
}

impl Instance {
    pub(crate) async fn outcome(&self, token: &str) -> Outcome {
        match self.verifier.verify(token).await {
            Ok(_) => Accepted,
            Err(error) => match error.code() {
                "revoked" => Revoked,
                "unavailable" => Unavailable,
                code => panic!("an unexpected rejection: {code}"),
            },
        }
    }

    /// Revokes the tokens of a user, and returns whether the rule is in the log.
    pub(crate) async fn revoke(&self, user: &str) -> bool {
        let rule = Rule::subject(&*self.issuer, SubjectClaim::Subject, user);
        self.revocations.revoke(rule).await.is_ok()
    }

    /// Returns whether the instance says that it is in doubt, and how often it was.
    pub(crate) fn doubt(&self) -> (bool, u64) {
        let health = self.verifier.health();
        let log = health
            .first()
            .and_then(|issuer| issuer.revocation()?.log.as_ref());
        let log = log.expect("a log");
        (log.is_degraded(), log.doubts)
    }

    pub(crate) async fn until(&self, token: &str, expected: Outcome) -> Duration {
        until(async || self.outcome(token).await == expected).await
    }
}

/// Polls until `is` returns true. Returns how long that took.
async fn until(mut is: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is().await {
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "it never came true"
        );
        pause().await;
    }
    begun.elapsed()
}

/// A row of the table of failures.
struct Row {
    failure: &'static str,
    noticed_by: &'static str,
    after: Duration,
    /// The longest time that `after` may be, on a machine with nothing else to do.
    most: Duration,
    outcome: &'static str,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            failure,
            noticed_by,
            after,
            outcome,
            ..
        } = self;
        write!(
            f,
            "| {failure} | {noticed_by} | {:.1} s | {outcome} |",
            after.as_secs_f32()
        )
    }
}

/// `ci/redis failure_table -- --nocapture` prints the table, which is in okta-verifier/docs/revocation.md.
#[test]
fn revocation_failure_table_holds() {
    let scenarios = [
        run(disconnect),
        run(half_open),
        run(paused_server),
        run(dead_server),
        run(restart_without_persistence),
        run(restart_with_append_only_file),
        run(|| emptied("FLUSHALL", "`FLUSHALL`, `SWAPDB`")),
        run(|| emptied("DEL", "one of the keys is evicted")),
        run(trimmed),
        run(full_server),
        run(lost_reply),
        run(cold_start),
        run(clock_set_back),
        run(isolated_primary),
        run(failover),
    ];
    let rows: Vec<_> = scenarios
        .into_iter()
        .map(|scenario| scenario.join().expect("the row holds"))
        .collect();
    println!("| failure | noticed by | after | outcome |\n|---|---|---|---|");
    for row in &rows {
        println!("{row}");
        assert!(row.after < row.most + SLACK, "{row}");
        let Row {
            failure,
            noticed_by,
            outcome,
            ..
        } = row;
        let is_documented = DOCUMENT.lines().any(|line| {
            let begin = format!("| {failure} | {noticed_by} | ");
            line.starts_with(&begin) && line.ends_with(&format!(" s | {outcome} |"))
        });
        assert!(is_documented, "docs/revocation.md lacks the row: {row}");
    }
}

/// Runs a scenario on a runtime of its own, at the same time as the others, because each of them mostly waits.
fn run<F: Future<Output = Row>>(scenario: impl FnOnce() -> F + Send + 'static) -> JoinHandle<Row> {
    thread::spawn(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        runtime.block_on(scenario())
    })
}

async fn disconnect() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let proxy = Proxy::to(server.port);
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(proxy.config()).await;
    let [ada, grace] = ["ada", "grace"].map(|user| fleet.token(user));
    proxy.cut();
    assert!(one.revoke("ada").await);
    let after = until(async || {
        // One connection is lost, which is no reason for doubt.
        assert_eq!(other.outcome(&grace).await, Accepted);
        other.outcome(&ada).await == Revoked
    })
    .await;
    Row {
        failure: "a connection is lost",
        noticed_by: "an error of the next read",
        after,
        most: MAX_LAG,
        outcome: "the next read goes on at its position: nothing is lost, and no token is in doubt",
    }
}

async fn half_open() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let proxy = Proxy::to(server.port);
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(proxy.config()).await;
    let [ada, bob, grace] = ["ada", "bob", "grace"].map(|user| fleet.token(user));
    assert!(one.revoke("ada").await);
    other.until(&ada, Revoked).await;
    proxy.set(Mode::Swallow);
    assert!(one.revoke("bob").await);
    let revoked = Instant::now();
    let after = until(async || {
        let begun = Instant::now();
        match other.outcome(&bob).await {
            Accepted => assert!(begun < revoked + MAX_LAG, "accepted after max_lag"),
            outcome => return outcome == Unavailable,
        }
        false
    })
    .await;
    assert_eq!(other.outcome(&grace).await, Unavailable);
    // What is known stays revoked, and the other instance is not concerned.
    assert_eq!(other.outcome(&ada).await, Revoked);
    assert_eq!(one.outcome(&grace).await, Accepted);
    proxy.set(Mode::Pass);
    proxy.cut();
    other.until(&grace, Accepted).await;
    assert_eq!(other.outcome(&bob).await, Revoked);
    Row {
        failure: "packets are dropped without an error (half-open TCP)",
        noticed_by: "no reply for `max_lag`",
        after,
        most: MAX_LAG,
        outcome: "in doubt until the next reply; what is known stays revoked",
    }
}

async fn paused_server() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    let [ada, grace] = ["ada", "grace"].map(|user| fleet.token(user));
    server.signal("-STOP");
    let stopped = Instant::now();
    assert!(!one.revoke("ada").await);
    assert_eq!(one.outcome(&ada).await, Revoked);
    other.until(&grace, Unavailable).await;
    let after = stopped.elapsed();
    server.signal("-CONT");
    other.until(&ada, Revoked).await;
    other.until(&grace, Accepted).await;
    Row {
        failure: "the server stands still",
        noticed_by: "no reply for `max_lag`",
        after,
        most: MAX_LAG,
        outcome: "in doubt until the next reply; `revoke` fails and is made good then",
    }
}

async fn dead_server() -> Row {
    let (fleet, mut server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    let [ada, bob, grace] = ["ada", "bob", "grace"].map(|user| fleet.token(user));
    assert!(one.revoke("ada").await);
    other.until(&ada, Revoked).await;
    server.kill();
    let killed = Instant::now();
    assert!(!one.revoke("bob").await);
    for instance in [&one, &other] {
        instance.until(&grace, Unavailable).await;
        assert_eq!(instance.outcome(&ada).await, Revoked);
    }
    let after = killed.elapsed();
    assert_eq!(one.outcome(&bob).await, Revoked);
    server.restart();
    other.until(&bob, Revoked).await;
    other.until(&grace, Accepted).await;
    Row {
        failure: "the server is down",
        noticed_by: "no reply for `max_lag`",
        after,
        most: MAX_LAG,
        outcome: "in doubt until it is back; what is known stays revoked; `revoke` fails and is made good then",
    }
}

/// Returns how long it takes until a new instance rejects the token of a user whom the other instances know.
async fn until_appended_again(fleet: &Fleet, config: RedisConfig, user: &str) -> Duration {
    let (begun, token) = (Instant::now(), fleet.token(user));
    let new = fleet.instance(config, MAX_LAG);
    new.until(&token, Revoked).await;
    begun.elapsed()
}

async fn restart_without_persistence() -> Row {
    let (fleet, mut server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    assert!(one.revoke("ada").await);
    other.until(&fleet.token("ada"), Revoked).await;
    // The instance that made the rule is gone.
    drop(one);
    server.restart();
    let after = until_appended_again(&fleet, server.config(), "ada").await;
    other.until(&fleet.token("grace"), Accepted).await;
    Row {
        failure: "the server restarts without persistence",
        noticed_by: "another name of the log",
        after,
        most: 2 * MAX_LAG,
        outcome: "each instance appends its rules again; new instances learn them from one that still runs",
    }
}

async fn restart_with_append_only_file() -> Row {
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let fleet = Fleet::new();
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    let [ada, bob] = ["ada", "bob"].map(|user| fleet.token(user));
    assert!(one.revoke("ada").await);
    other.until(&ada, Revoked).await;
    let length = || server.number(&format!("XLEN {ENTRIES}"));
    let before = length();
    server.restart();
    let restarted = Instant::now();
    until(async || one.revoke("bob").await).await;
    other.until(&bob, Revoked).await;
    let after = restarted.elapsed();
    // Nothing is appended again but the rule whose appends may have failed.
    let repeated = server.number(&format!("XLEN {ENTRIES}")) - before;
    drop((one, other));
    assert!((1..20).contains(&repeated), "{repeated}");
    until_appended_again(&fleet, server.config(), "ada").await;
    Row {
        failure: "the server restarts with its append-only file",
        noticed_by: "an error of the next read",
        after,
        most: 2 * MAX_LAG,
        outcome: "the next read goes on at its position; the rules are there even if no instance runs any more",
    }
}

async fn emptied(command: &'static str, failure: &'static str) -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    assert!(one.revoke("ada").await);
    other.until(&fleet.token("ada"), Revoked).await;
    drop(one);
    let commands = match command {
        "DEL" => vec![format!("DEL {ENTRIES}"), format!("DEL {LOG}")],
        command => vec![command.to_owned()],
    };
    let mut after = Duration::ZERO;
    for command in commands {
        server.call(&command);
        after = after.max(until_appended_again(&fleet, server.config(), "ada").await);
        other.until(&fleet.token("grace"), Accepted).await;
    }
    Row {
        failure,
        noticed_by: "another name of the log, or its last entry is gone",
        after,
        most: 2 * MAX_LAG,
        outcome: "each instance appends its rules again",
    }
}

async fn trimmed() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let proxy = Proxy::to(server.port);
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(proxy.config()).await;
    assert!(other.revoke("ada").await);
    one.until(&fleet.token("ada"), Revoked).await;
    other.until(&fleet.token("ada"), Revoked).await;
    proxy.set(Mode::Swallow);
    for user in ["bob", "carol"] {
        assert!(one.revoke(user).await);
    }
    server.call(&format!("XTRIM {ENTRIES} MAXLEN 1"));
    let trimmed = Instant::now();
    proxy.set(Mode::Pass);
    proxy.cut();
    // The slow reader learns what is left, and appends what it knows.
    other.until(&fleet.token("carol"), Revoked).await;
    until(async || server.number(&format!("XLEN {ENTRIES}")) >= 2).await;
    let after = trimmed.elapsed();
    drop((one, other));
    until_appended_again(&fleet, server.config(), "ada").await;
    Row {
        failure: "the log is trimmed past a slow reader",
        noticed_by: "its last entry is gone",
        after,
        most: 2 * MAX_LAG,
        outcome: "it reads from the beginning and appends its rules again; only entries older than every token are trimmed",
    }
}

async fn full_server() -> Row {
    let (fleet, server) = (
        Fleet::new(),
        Server::with(&["--maxmemory-policy", "noeviction"]),
    );
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    let [ada, bob, grace] = ["ada", "bob", "grace"].map(|user| fleet.token(user));
    assert!(one.revoke("ada").await);
    other.until(&ada, Revoked).await;
    server.call("CONFIG SET maxmemory 1");
    let full = Instant::now();
    assert!(!one.revoke("bob").await);
    let after = full.elapsed();
    assert_eq!(one.outcome(&bob).await, Revoked);
    server.call("CONFIG SET maxmemory 0");
    other.until(&bob, Revoked).await;
    other.until(&grace, Accepted).await;
    Row {
        failure: "the memory of the server is full (`noeviction`)",
        noticed_by: "an error of the append",
        after,
        most: MAX_LAG,
        outcome: "`revoke` fails, applies on this instance, and is made good later; the log can still be read",
    }
}

async fn lost_reply() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let proxy = Proxy::to(server.port);
    let one = fleet.ready(proxy.config()).await;
    let other = fleet.ready(server.config()).await;
    let ada = fleet.token("ada");
    proxy.set(Mode::CutNumber);
    let begun = Instant::now();
    assert!(!one.revoke("ada").await);
    // It was stored, although the sender of the event got 503.
    other.until(&ada, Revoked).await;
    proxy.set(Mode::Pass);
    until(async || one.revoke("ada").await).await;
    let after = begun.elapsed();
    assert_eq!(other.outcome(&ada).await, Revoked);
    assert_eq!(other.outcome(&fleet.token("grace")).await, Accepted);
    Row {
        failure: "an instance crashes after the append, before its 202",
        noticed_by: "the sender, which sends the event again",
        after,
        most: 2 * MAX_LAG,
        outcome: "the rule is there twice, which changes nothing",
    }
}

async fn cold_start() -> Row {
    let (fleet, mut server) = (Fleet::new(), Server::with(&["--appendonly", "yes"]));
    let one = fleet.ready(server.config()).await;
    assert!(one.revoke("ada").await);
    drop(one);
    server.kill();
    let [ada, grace] = ["ada", "grace"].map(|user| fleet.token(user));
    let new = fleet.instance(server.config(), MAX_LAG);
    let begun = Instant::now();
    assert_eq!(new.outcome(&ada).await, Unavailable);
    let after = begun.elapsed();
    assert_eq!(new.outcome(&grace).await, Unavailable);
    server.restart();
    new.until(&grace, Accepted).await;
    assert_eq!(new.outcome(&ada).await, Revoked);
    Row {
        failure: "an instance starts while the server is down",
        noticed_by: "nothing was read yet",
        after,
        most: MAX_LAG,
        outcome: "in doubt after the first request has waited for 1 s; it accepts nothing before it has read everything",
    }
}

/// The clocks of the instances are not used at all: the server numbers the entries.
async fn clock_set_back() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let other = fleet.ready(server.config()).await;
    assert!(one.revoke("ada").await);
    other.until(&fleet.token("ada"), Revoked).await;
    // An entry of the year 2100, as if the clock of the server had been ahead.
    let last = server.call(&format!("XREVRANGE {ENTRIES} + - COUNT 1"));
    let lines: Vec<_> = last.lines().collect();
    let [_, "t", tag, "r", rule] = lines[..] else {
        panic!("an unexpected entry");
    };
    server.call(&format!(
        "XADD {ENTRIES} 4102444800000-0 t {tag} r \"{rule}\""
    ));
    let begun = Instant::now();
    assert!(one.revoke("bob").await);
    other.until(&fleet.token("bob"), Revoked).await;
    let after = begun.elapsed();
    assert_eq!(other.outcome(&fleet.token("grace")).await, Accepted);
    Row {
        failure: "the clock of the server is set back",
        noticed_by: "nothing: an entry always has a later ID than the one before",
        after,
        most: MAX_LAG,
        outcome: "no effect; the clocks of the instances are not used for the log",
    }
}

async fn isolated_primary() -> Row {
    let (fleet, server) = (Fleet::new(), Server::start());
    let one = fleet.ready(server.config()).await;
    let grace = fleet.token("grace");
    server.call("CONFIG SET min-replicas-to-write 1");
    let begun = Instant::now();
    one.until(&grace, Unavailable).await;
    let after = begun.elapsed();
    assert!(!one.revoke("ada").await);
    server.call("CONFIG SET min-replicas-to-write 0");
    one.until(&grace, Accepted).await;
    Row {
        failure: "the primary is cut off from its replicas (with `min-replicas-to-write`)",
        noticed_by: "an error of each read for `max_lag`",
        after,
        most: 2 * MAX_LAG,
        outcome: "in doubt: another server may have become the primary",
    }
}

async fn failover() -> Row {
    let (fleet, mut group) = (Fleet::new(), Group::start().await);
    let one = fleet.ready(group.config()).await;
    let other = fleet.ready(group.config()).await;
    assert!(one.revoke("ada").await);
    other.until(&fleet.token("ada"), Revoked).await;
    group.until_replicated().await;
    stop_replication(&group.primary);
    let bob = fleet.token("bob");
    assert!(one.revoke("bob").await);
    other.until(&bob, Revoked).await;
    drop(one);
    group.primary.kill();
    until_primary(&group.replica).await;
    let after = until_appended_again(&fleet, group.config(), "bob").await;
    other.until(&fleet.token("grace"), Accepted).await;
    Row {
        failure: "a replica without the last entries takes over",
        noticed_by: "the last entry is gone",
        after,
        most: 3 * MAX_LAG,
        outcome: "each instance appends its rules again; a rule is lost only if every instance that knew it has ended",
    }
}
