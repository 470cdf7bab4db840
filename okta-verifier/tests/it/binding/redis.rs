//! The store in Redis, against a server that answers whatever it is told to. `redis/` has the tests
//! against a real one.

mod fake;
mod settings;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use okta_verifier::{
    DpopSettings, FetchError, ProofUse, RedisReplayStore, ReplayStore, VerifyError,
};

use self::fake::{Fake, Reply};
use super::{BASE, World, code, stores::send};

const KEEP: Duration = Duration::from_millis(421_337);
const PATIENCE: Duration = Duration::from_millis(100);
const OK: &str = "+OK\r\n";

fn store(fake: &Fake) -> RedisReplayStore {
    store_of(&fake.url("redis", ""), Duration::from_secs(1))
}

fn impatient(fake: &Fake) -> RedisReplayStore {
    let login = ":hunter2hunter2@";
    watch::secret(login);
    store_of(&fake.url("redis", login), PATIENCE)
}

fn store_of(url: &str, patience: Duration) -> RedisReplayStore {
    let store = RedisReplayStore::new(url).unwrap();
    store.timeout(patience).unwrap()
}

async fn ask(store: &RedisReplayStore) -> Result<bool, String> {
    let answer = store.first_use(&[7; 32], KEEP).await;
    answer
        .map(|proof_use| proof_use == ProofUse::First)
        .map_err(|error| error.to_string())
}

/// Polls until there is something; for 10 s at most, however slow the machine is meanwhile.
async fn until<T>(mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came true");
        tokio::task::yield_now().await;
    }
}

/// Asks until the answer counts.
async fn until_answered(store: &RedisReplayStore) -> bool {
    until(async || ask(store).await.ok()).await
}

// conformance 170
#[tokio::test]
async fn whatever_redis_answers_but_ok_and_nil_lets_nobody_in() {
    let deep = "*1\r\n".repeat(200);
    let long = format!("${}\r\n{}", 1 << 20, "x".repeat(1 << 20));
    let error_with_password = "-hunter2hunter2 hunter2hunter2\r\n";
    for reply in [
        ":1\r\n",
        ":0\r\n",
        "+ok\r\n",
        "+\r\n",
        "+QUEUED\r\n",
        "$2\r\nOK\r\n",
        "*0\r\n",
        "*1\r\n+OK\r\n",
        "#t\r\n",
        ",1\r\n",
        "=6\r\ntxt:OK\r\n",
        "-ERR syntax error\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-MOVED 3999 127.0.0.1:6381\r\n",
        "!5\r\nERR x\r\n",
        "-\r\n",
        error_with_password,
        "HTTP/1.1 200 OK\r\n\r\n",
        "OK\r\n",
        "\r\n",
        "\0\0\0\0",
        "+O",
        "$5\r\nOK",
        "$-9\r\n",
        "$9223372036854775807\r\n",
        "*9223372036854775807\r\n",
        "%9223372036854775807\r\n",
        "%-1\r\n",
        "|1\r\n+a\r\n+b\r\n+OK\r\n",
        "~-1\r\n",
        ">1\r\n+OK\r\n",
        "(\r\n",
        "+\u{FFFD}\r\n",
        &deep,
        &long,
    ] {
        let fake = Fake::new(reply);
        let store = impatient(&fake);
        let answer = ask(&store).await;
        assert_ne!(answer, Ok(true), "{reply:?}");
        // Nor the next one, on the same connection or another.
        let next = ask(&store).await;
        assert_ne!(next, Ok(true), "{reply:?}");
        let text = format!("{answer:?} {next:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let closed = Fake::new(Reply::Close);
    let broke = Err("the connection to Redis broke".to_owned());
    assert_eq!(ask(&store(&closed)).await, broke);
    let garbage = Fake::new(Reply::Bytes(vec![0xFF; 4096]));
    assert!(ask(&store(&garbage)).await.is_err());
}

#[tokio::test]
async fn a_connection_that_takes_longer_than_a_request_waits_is_good_for_the_next() {
    // More than once, because no attempt lasts longer than a second, and the machine may.
    for _ in 0..5 {
        let fake = Fake::new(OK);
        fake.login(""); // silence
        let store = impatient(&fake);
        assert!(ask(&store).await.is_err());
        fake.login(OK);
        fake.say(OK);
        assert!(until_answered(&store).await);
        if fake.lines() == 1 {
            return;
        }
    }
    panic!("each request began anew");
}

// conformance 170
#[tokio::test]
async fn a_proof_is_set_where_it_is_not_and_for_as_long_as_told() {
    let fake = Fake::new(OK);
    let store = store(&fake);
    assert_eq!(ask(&store).await, Ok(true));
    fake.reply("$-1\r\n");
    assert_eq!(ask(&store).await, Ok(false));
    let other = store.key_prefix("other:").unwrap();
    assert_eq!(ask(&other).await, Ok(false));
    let digest = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let [one, other] = ["okta-verifier:dpop:", "other:"].map(|prefix| {
        let key = format!("{prefix}{digest}");
        ["SET", &key, "1", "NX", "PX", "421337"].map(str::to_owned)
    });
    assert_eq!(fake.commands(), [one.clone(), one, other]);
    assert_eq!(fake.lines(), 1);
}

// conformance 170
#[tokio::test]
async fn a_silent_redis_is_503_within_its_time_and_then_at_once() {
    let fake = Fake::new(Reply::Silence);
    let store = RedisReplayStore::new(&fake.url("redis", "")).unwrap();
    let world = World::with(DpopSettings::base_url(BASE).replay_store(store));
    let [proof, next] = [(); 2].map(|()| world.proof().sign());
    let begun = Instant::now();
    let refusal = send(&world, &proof).await.unwrap_err();
    // Unless set otherwise. That its own time-out was the shorter one, its words tell.
    assert!(begun.elapsed() >= Duration::from_millis(499));
    assert_eq!(refusal.status(), 503);
    let error = refusal.error().unwrap();
    assert!(
        matches!(
            error,
            VerifyError::Unavailable {
                source: FetchError::ReplayStore { source },
                ..
            } if source.to_string() == "Redis did not answer in time"
        ),
        "{error:?}"
    );
    assert_eq!((fake.commands().len(), fake.lines()), (1, 1));
    // Left alone for 125 ms at least: nobody else waits, and nothing is asked. Whom a slow machine
    // holds up for longer than that asks and waits again; the next time is a longer one.
    until(async || {
        let asked = (fake.commands().len(), fake.lines());
        assert_eq!(code(&send(&world, &next).await), "unavailable");
        (asked == (fake.commands().len(), fake.lines())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_line_that_is_given_up_is_closed() {
    let fake = Fake::new(Reply::Silence);
    assert!(ask(&impatient(&fake)).await.is_err());
    until(async || (fake.left() == 1).then_some(())).await;
}

#[tokio::test]
async fn what_is_wrong_at_the_login_is_said() {
    const PASSWORD: &str = ":hunter2hunter2@";
    const REFUSED: &str = "Redis refuses our user or password";
    watch::secret(PASSWORD);
    for (login, database, reply, said) in [
        (PASSWORD, "", "-WRONGPASS invalid pair\r\n", REFUSED),
        (
            "",
            "1",
            "-ERR DB index is out of range\r\n",
            "Redis answered with ERR",
        ),
    ] {
        let fake = Fake::new(OK);
        fake.login(reply);
        let url = format!("{}{database}", fake.url("redis", login));
        let store = store_of(&url, PATIENCE);
        // On a slow machine it takes longer than the request waits.
        let slow = "Redis did not answer in time";
        let error = until(async || ask(&store).await.err().filter(|error| error != slow)).await;
        assert_eq!(error, said);
        assert!(fake.commands().iter().all(|command| command[0] != "SET"));
    }
}

// conformance 171
#[tokio::test]
async fn many_at_once_make_one_connection() {
    let fake = Fake::new(OK);
    let store = store(&fake);
    let tasks: Vec<_> = (0..100_u8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.first_use(&[number; 32], KEEP).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), ProofUse::First);
    }
    assert_eq!((fake.commands().len(), fake.lines()), (100, 1));
}

// conformance 170
#[tokio::test]
async fn it_comes_back_by_itself() {
    const LOADING: &str = "Redis answered with LOADING";
    let fake = Fake::new("-LOADING Redis is loading the dataset in memory\r\n");
    let store = store(&fake);
    assert_eq!(ask(&store).await, Err(LOADING.to_owned()));
    assert_eq!(fake.lines(), 1);
    // In its back-off it says what was wrong, and asks nothing; on a slow machine, in a later one.
    let asked = until(async || {
        let asked = fake.commands().len();
        assert_eq!(ask(&store).await, Err(LOADING.to_owned()));
        (asked == fake.commands().len()).then_some(asked)
    })
    .await;
    // Each question had a connection of its own.
    assert_eq!(fake.lines(), asked);
    fake.reply(OK);
    assert!(until_answered(&store).await);
    assert_eq!(fake.lines(), asked + 1);
    // A connection that was closed while nobody asked costs nobody anything.
    fake.hang_up();
    until(async || (fake.left() == asked + 1).then_some(())).await;
    assert_eq!(ask(&store).await, Ok(true));
    assert_eq!(fake.lines(), asked + 2);
    // Nothing was asked twice.
    assert_eq!(fake.commands().len(), asked + 2);
}

#[tokio::test]
async fn callers_that_go_away_do_not_hide_a_dead_connection() {
    let fake = Fake::new(Reply::Silence);
    let store = impatient(&fake);
    let deadline = Instant::now() + Duration::from_secs(10);
    // Not one of them waits until it knows.
    while fake.lines() < 2 {
        let impatient = tokio::time::timeout(PATIENCE / 4, ask(&store)).await;
        assert_ne!(impatient, Ok(Ok(true)));
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    fake.reply(OK);
    assert!(until_answered(&store).await);
}

#[test]
fn a_runtime_that_ended_takes_nothing_with_it() {
    let fake = Fake::new(OK);
    let store = store(&fake);
    for _ in 0..2 {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        assert!(runtime.block_on(until_answered(&store)));
        // And one that ends in the middle of an attempt.
        fake.reply(Reply::Silence);
        let impatient = async { tokio::time::timeout(PATIENCE / 4, ask(&store)).await };
        assert!(runtime.block_on(impatient).is_err());
        fake.reply(OK);
    }
}

#[test]
fn a_runtime_that_stands_still_holds_nobody_up() {
    let fake = Fake::new(OK);
    fake.login("");
    let store = impatient(&fake);
    let runtime = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap()
    };
    let still = runtime();
    let gone = async { tokio::time::timeout(PATIENCE / 4, ask(&store)).await };
    assert!(still.block_on(gone).is_err());
    fake.login(OK);
    assert!(runtime().block_on(until_answered(&store)));
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let store = store(&Fake::new(OK));
    let mut context = Context::from_waker(Waker::noop());
    let answer = pin!(ask(&store)).poll(&mut context);
    assert!(matches!(answer, Poll::Ready(Err(_))));
}
