//! How the server is named, and that nobody sees the password.

use std::time::Duration;

use okta_verifier::{ConfigError, DpopSettings, RedisReplayStore, Verifier};

use super::{Fake, OK, PATIENCE, ask, store, store_of, until_answered};

const PASSWORD: &str = "hunter2hunter2";

// conformance 20
#[test]
fn what_is_no_url_of_a_server_is_refused_and_not_repeated() {
    let login = format!("api:{PASSWORD}@");
    for url in [
        String::new(),
        "localhost:6379".to_owned(),
        PASSWORD.to_owned(),
        format!("https://{login}redis.internal"),
        format!("redis+unix:///{PASSWORD}"),
        format!("unix:///{PASSWORD}"),
        format!("redis://{login}"),
        format!("redis://{login}:6379"),
        "redis://".to_owned(),
        "redis:///0".to_owned(),
        "redis:0".to_owned(),
        format!("redis://{login}redis.internal:0"),
        format!("redis://{login}redis.internal:65536"),
        format!("redis://{login}redis.internal/x"),
        format!("redis://{login}redis.internal/-1"),
        format!("redis://{login}redis.internal//1"),
        format!("redis://{login}redis.internal/0/1"),
        format!("redis://{login}redis.internal/65536"),
        format!("redis://{login}redis.internal?protocol=resp3"),
        format!("redis://{login}redis.internal#x"),
        format!("rediss://{login}redis.internal/#insecure"),
        format!("redis://{PASSWORD}@redis.internal"),
        format!("redis://{PASSWORD}:@redis.internal"),
        format!("redis://api:{PASSWORD}%FF@redis.internal"),
    ] {
        let error = RedisReplayStore::new(&url).expect_err(&url);
        assert!(matches!(error, ConfigError::RedisReplayStore { .. }));
        let text = format!("{error} {error:?}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
    for url in [
        "redis://localhost",
        "redis://127.0.0.1:7000",
        "redis://[::1]/",
        "redis://:hunter2hunter2@redis.internal/15",
        "redis://api:hunter2%40hunter2@redis.internal",
        "rediss://default:hunter2hunter2@redis.internal:6380/0",
    ] {
        let store = RedisReplayStore::new(url).expect(url);
        let shown = format!("{store:?} {store:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn settings_out_of_bounds_are_refused() {
    let store = || RedisReplayStore::new("redis://localhost").unwrap();
    let long = "x".repeat(65);
    for prefix in ["", "with space:", "line\n", "ä:", &long] {
        assert!(store().key_prefix(prefix).is_err(), "{prefix:?}");
    }
    assert!(store().key_prefix(&long[1..]).is_ok());
    for (millis, is_ok) in [(9, false), (10, true), (1000, true), (1001, false)] {
        let judged = store().timeout(Duration::from_millis(millis));
        assert_eq!(judged.is_ok(), is_ok, "{millis}");
    }
}

// conformance 20
#[tokio::test]
async fn a_login_is_tried_before_all_and_its_refusal_shows_no_password() {
    let fake = Fake::new(OK);
    fake.login("-WRONGPASS hunter2hunter2 is wrong\r\n");
    let login = "api:hunter2%40hunter2@";
    let store = store_of(&fake.url("redis", login), Duration::from_secs(1));
    let refused = ask(&store).await.unwrap_err();
    assert_eq!(refused, "Redis refuses our user or password");
    let auth = ["AUTH", "api", "hunter2@hunter2"].map(str::to_owned);
    // Nothing is asked without it.
    assert_eq!(fake.commands(), std::slice::from_ref(&auth));
    fake.login(OK);
    assert!(until_answered(&store).await);
    let commands = fake.commands();
    assert_eq!((&commands[1][..], &commands[2][0][..]), (&auth[..], "SET"));

    let settings = DpopSettings::base_url("https://api.example.com").replay_store(store);
    let mut shown = format!("{settings:?}");
    shown += &format!("{:?}", Verifier::builder().dpop(settings));
    assert!(!shown.contains("hunter2"), "{shown}");
}

// conformance 20
#[tokio::test]
async fn no_word_is_sent_to_a_server_that_has_no_tls() {
    let fake = Fake::new(OK);
    let url = fake.url("rediss", "api:hunter2hunter2@");
    let error = ask(&store_of(&url, PATIENCE)).await.unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!((fake.commands().len(), fake.lines()), (0, 1));
    // The server itself is there.
    assert_eq!(ask(&store(&fake)).await, Ok(true));
}
