//! Which server is used as the primary.

use std::time::Duration;

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    OK,
    fake::{Fake, Reply, bulk},
    store, until, until_answered, use_proof,
};

/// Returns a sentinel that names `primary`.
fn sentinel(primary: &Fake) -> Fake {
    let fake = Fake::new("-ERR a sentinel stores nothing\r\n");
    name(&fake, primary);
    fake
}

fn name(sentinel: &Fake, primary: &Fake) {
    let port = primary.port().to_string();
    sentinel.reply_to(
        "SENTINEL",
        format!("*2\r\n{}{}", bulk("127.0.0.1"), bulk(&port)),
    );
}

/// Returns a server that reports itself as a primary or a replica.
fn server(role: &str) -> Fake {
    let fake = Fake::new(OK);
    fake.reply_to("ROLE", format!("*3\r\n{}:0\r\n*0\r\n", bulk(role)));
    fake
}

fn of<const N: usize>(sentinels: [&Fake; N]) -> RedisReplayStore {
    let config = RedisConfig::sentinel("orders", sentinels.map(Fake::address));
    store(config.timeout(Duration::from_secs(1)))
}

#[tokio::test]
async fn sentinel_that_names_no_usable_primary_is_an_error() {
    let replica = server("slave");
    for reply in [
        "*-1\r\n",
        "$-1\r\n",
        "+OK\r\n",
        "*0\r\n",
        "*1\r\n$1\r\na\r\n",
        "*2\r\n$1\r\na\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\n?\r\n$4\r\n6379\r\n",
        "*2\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n",
        "-IDONTKNOW no\r\n",
        "-NOAUTH Authentication required.\r\n",
    ] {
        let sentinel = sentinel(&replica);
        sentinel.reply_to("SENTINEL", reply);
        let error = use_proof(&of([&sentinel])).await.unwrap_err();
        let expected = "no sentinel names a primary \"orders\" that can be used";
        assert_eq!(error, expected, "{reply:?}");
        assert_eq!(
            sentinel.commands()[0][1..],
            ["GET-MASTER-ADDR-BY-NAME", "orders"]
        );
    }
    assert_eq!(replica.connections(), 0);
    let sentinel = sentinel(&replica);
    assert!(use_proof(&of([&sentinel])).await.is_err());
    assert_eq!((replica.count("ROLE"), replica.count("SET")), (1, 0));
}

#[tokio::test]
async fn sentinel_that_lags_behind_or_is_silent_does_not_hide_another() {
    let (former, primary) = (server("slave"), server("master"));
    let lagging = sentinel(&former);
    let right = sentinel(&primary);
    let silent = Fake::new(OK);
    silent.otherwise(Reply::Silence);
    silent.reply_to("SENTINEL", Reply::Silence);
    let store = of([&silent, &lagging, &right]);
    assert_eq!(until_answered(&store).await, ProofUse::First);
    assert_eq!((former.count("SET"), primary.count("SET")), (0, 1));
}

#[tokio::test]
async fn sentinel_is_asked_again_after_the_primary_became_a_replica() {
    let (former, primary) = (server("master"), server("master"));
    let sentinel = sentinel(&former);
    let store = of([&sentinel]);
    assert_eq!(until_answered(&store).await, ProofUse::First);
    former.reply("-READONLY You can't write against a read only replica.\r\n");
    name(&sentinel, &primary);
    assert!(use_proof(&store).await.is_err());
    assert_eq!(until_answered(&store).await, ProofUse::First);
    // The rejected command was not sent again to the next primary, because its caller already had the
    // result.
    assert_eq!(primary.count("SET"), 1);
    assert_eq!(sentinel.count("SENTINEL"), 2);
}

#[tokio::test]
async fn sentinel_login_is_not_that_of_the_servers() {
    let primary = server("master");
    let sentinel = sentinel(&primary);
    let sentinels = || RedisConfig::sentinel("orders", [sentinel.address()]);
    let logins = |fake: &Fake| {
        let commands = fake.commands().into_iter();
        commands
            .filter(|command| command[0] == "AUTH")
            .collect::<Vec<_>>()
    };
    until_answered(&store(sentinels().login("api", "servers-password"))).await;
    assert_eq!(logins(&sentinel), Vec::<Vec<String>>::new());
    assert_eq!(logins(&primary), [["AUTH", "api", "servers-password"]]);
    let both = sentinels().login("api", "servers-password").database(3);
    until_answered(&store(both.sentinel_login("watch", "sentinels-password"))).await;
    until(async || (!logins(&sentinel).is_empty()).then_some(())).await;
    assert_eq!(logins(&sentinel), [["AUTH", "watch", "sentinels-password"]]);
    assert_eq!((sentinel.count("SELECT"), primary.count("SELECT")), (0, 1));
}
