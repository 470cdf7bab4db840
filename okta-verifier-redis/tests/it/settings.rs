//! Which settings are accepted. No error shows a password.

use std::time::Duration;

use okta_verifier_redis::{RedisConfig, RedisConfigError, RedisReplayStore};
use okta_verifier_testing::Certificate;
use rustls::crypto::aws_lc_rs;

use crate::{BRIEF, LOGIN, OK, fake::Fake, patient, store, until, until_answered, use_proof};

// conformance 20
#[test]
fn redis_url_that_is_not_a_servers_is_rejected_and_not_shown() {
    let login = format!("api:{LOGIN}@");
    for url in [
        String::new(),
        "localhost:6379".to_owned(),
        LOGIN.to_owned(),
        format!("https://{login}redis.internal"),
        format!("redis+unix:///{LOGIN}"),
        format!("unix:///{LOGIN}"),
        format!("redis://{login}"),
        format!("redis://{login}:6379"),
        "redis://".to_owned(),
        "redis:///0".to_owned(),
        "redis:0".to_owned(),
        format!("redis://{login}redis.internal:0"),
        format!("redis://{login}redis.internal:65536"),
        format!("redis://{login}redis.internal/x"),
        format!("redis://{login}redis.internal/-1"),
        format!("redis://{login}redis.internal/+1"),
        format!("redis://{login}redis.internal//1"),
        format!("redis://{login}redis.internal/0/1"),
        format!("redis://{login}redis.internal/65536"),
        format!("redis://{login}redis.internal?protocol=resp3"),
        format!("redis://{login}redis.internal#x"),
        format!("rediss://{login}redis.internal/#insecure"),
        format!("redis://{login}redis%20internal"),
        format!("redis://{LOGIN}@redis.internal"),
        format!("redis://{LOGIN}:@redis.internal"),
        // URLs that are built from empty variables.
        "rediss://:@redis.internal".to_owned(),
        "rediss://@redis.internal/0".to_owned(),
        format!("redis://api:{LOGIN}%FF@redis.internal"),
    ] {
        let error = RedisConfig::from_url(&url).expect_err(&url);
        assert!(matches!(error, RedisConfigError::Url { .. }), "{url}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains(LOGIN), "{text}");
    }
}

#[test]
fn redis_url_of_a_server_is_accepted() {
    for url in [
        "redis://localhost",
        "redis://127.0.0.1:7000",
        "redis://[::1]/",
        "redis://:hunter2hunter2@redis.internal/15",
        "redis://api:hunter2%40hunter2@redis.internal",
        "rediss://default:hunter2hunter2@redis.internal:6380/0",
    ] {
        let config = RedisConfig::from_url(url).expect(url);
        let store = RedisReplayStore::new(config.clone()).expect(url);
        let shown = format!("{config:?} {config:#?} {store:?} {store:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

fn error(config: RedisConfig) -> String {
    RedisReplayStore::new(config).unwrap_err().to_string()
}

#[test]
fn redis_settings_out_of_bounds_are_rejected() {
    let server = || RedisConfig::server("redis.internal");
    let long = "x".repeat(65);
    for prefix in [
        "",
        "with space:",
        "line\n",
        "\u{e4}:",
        "{tag}:",
        "a}",
        &long,
    ] {
        let store = RedisReplayStore::new(server()).unwrap();
        let error = store.key_prefix(prefix).unwrap_err();
        assert_eq!(error, RedisConfigError::KeyPrefix, "{prefix:?}");
    }
    let store = RedisReplayStore::new(server()).unwrap();
    assert!(store.key_prefix(&long[1..]).is_ok());

    for (millis, is_ok) in [(9, false), (10, true), (1_000, true), (1_001, false)] {
        let config = server().timeout(Duration::from_millis(millis));
        assert_eq!(RedisReplayStore::new(config).is_ok(), is_ok, "{millis}");
    }
    for (millis, is_ok) in [(99, false), (100, true), (10_000, true), (10_001, false)] {
        let config = server().connect_timeout(Duration::from_millis(millis));
        assert_eq!(RedisReplayStore::new(config).is_ok(), is_ok, "{millis}");
    }

    let address = RedisConfigError::Address.to_string();
    assert_eq!(
        error(RedisConfig::server("redis://redis.internal")),
        address
    );
    assert_eq!(error(RedisConfig::cluster(["a", "b:0"])), address);
    assert_eq!(error(RedisConfig::sentinel("orders", ["a", ""])), address);
    let none: [&str; 0] = [];
    assert!(error(RedisConfig::cluster(none)).contains("at least one"));
    assert!(error(RedisConfig::sentinel("orders", none)).contains("at least one"));
    for name in ["", "two words", "orders\r\n", "\u{e4}"] {
        assert!(error(RedisConfig::sentinel(name, ["a"])).contains("sentinel monitor"));
    }
}

#[test]
fn redis_settings_that_contradict_each_other_are_rejected() {
    let server = || RedisConfig::server("redis.internal");
    let pem = Certificate::new("redis.internal");
    let provider = || std::sync::Arc::new(aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let tls = std::sync::Arc::new(tls);
    for (config, part) in [
        (RedisConfig::cluster(["a"]).database(1), "database"),
        (
            server().sentinel_login("api", LOGIN),
            "login: sentinel_login requires RedisConfig::sentinel",
        ),
        (server().login("", LOGIN), "login"),
        (server().login("api", ""), "login"),
        (
            server().plaintext().root_certificates(pem.pem()),
            "TLS: plaintext: remove it, or remove root_certificates",
        ),
        (
            server().plaintext().crypto_provider(provider()),
            "plaintext",
        ),
        (server().plaintext().tls_config(tls.clone()), "plaintext"),
        (
            server()
                .tls_config(tls.clone())
                .root_certificates(pem.pem()),
            "tls_config",
        ),
        (
            server().tls_config(tls.clone()).crypto_provider(provider()),
            "tls_config",
        ),
        (
            server()
                .only_root_certificates(pem.pem())
                .root_certificates(pem.pem()),
            "only_root_certificates: remove root_certificates",
        ),
        (
            server().plaintext().only_root_certificates(pem.pem()),
            "plaintext",
        ),
        (
            server()
                .tls_config(tls.clone())
                .only_root_certificates(pem.pem()),
            "tls_config",
        ),
        (
            server().only_root_certificates(""),
            "only_root_certificates: write",
        ),
        (
            server().only_root_certificates(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            ),
            "only_root_certificates: a certificate",
        ),
        (server().root_certificates(""), "in PEM"),
        (server().root_certificates(pem.key_pem()), "in PEM"),
        (
            server().root_certificates(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            ),
            "as a root",
        ),
    ] {
        let text = error(config);
        assert!(text.contains(part) && !text.contains(LOGIN), "{text}");
    }
    let both = format!("{}{}", pem.pem(), Certificate::new("other").pem());
    for config in [
        server()
            .database(1)
            .root_certificates(both)
            .crypto_provider(provider()),
        server().tls_config(tls),
    ] {
        assert!(RedisReplayStore::new(config).is_ok());
    }
}

// conformance 20
#[tokio::test]
async fn redis_login_that_is_rejected_shows_no_password_and_sends_no_proof() {
    let fake = Fake::new(OK);
    fake.otherwise("-WRONGPASS hunter2hunter2 is wrong\r\n");
    let config = RedisConfig::server(fake.address()).login("api", LOGIN);
    let store = store(config.timeout(Duration::from_secs(1)));
    let rejected = format!(
        "Redis server {} rejects the user or password",
        fake.address()
    );
    // Repeated, because on a slow machine the connection may take longer than the request waits.
    let late = "Redis did not answer in time";
    let error = until(async || use_proof(&store).await.err().filter(|error| error != late)).await;
    assert_eq!(error, rejected);
    let auth = ["AUTH", "api", LOGIN].map(str::to_owned);
    assert_eq!(fake.commands(), std::slice::from_ref(&auth));
    fake.otherwise(OK);
    until_answered(&store).await;
    let commands = fake.commands();
    let [.., login, set] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!((&login[..], &set[0][..]), (&auth[..], "SET"));
}

// conformance 20
#[tokio::test]
async fn redis_tls_sends_nothing_to_a_server_without_tls() {
    let fake = Fake::new(OK);
    let config = RedisConfig::server(fake.address()).login("api", LOGIN);
    let store = RedisReplayStore::new(config.timeout(BRIEF)).unwrap();
    let error = use_proof(&store).await.unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!((fake.commands().len(), fake.connections()), (0, 1));
    // The same server accepts a connection without TLS.
    assert!(use_proof(&patient(&fake)).await.is_ok());
}

// conformance 20
#[tokio::test]
async fn redis_password_is_not_sent_without_its_user() {
    // The error of a server before Redis 6.
    let error = "-ERR wrong number of arguments for 'auth' command\r\n";
    let [api, default] = ["api", "default"].map(|user| ["AUTH", user, LOGIN]);
    for (user, logins) in [
        ("api", &[&api[..]][..]),
        ("default", &[&default, &["AUTH", LOGIN]]),
    ] {
        let fake = Fake::new(OK);
        fake.reply_to("AUTH", error);
        let config = RedisConfig::server(fake.address()).login(user, LOGIN);
        let store = store(config.timeout(Duration::from_secs(1)));
        assert!(use_proof(&store).await.is_err());
        assert_eq!(fake.commands(), logins);
        fake.reply_to("AUTH", OK);
        until_answered(&store).await;
    }
}
