//! Who we are to the server, and what it refuses.

use crate::{World, ask, server::Server, store};

const PASSWORD: &str = "redis-5ecret@0123456789";

#[tokio::test]
async fn a_password_is_right_or_nobody_is_let_in() {
    let (world, server) = (World::new(), Server::with(&["--requirepass", PASSWORD]));
    for secret in [PASSWORD, "redis-5ecret%400123456789"] {
        secret_scan::secret(secret);
    }
    for (login, status) in [
        ("", 503),
        (":wrong@", 503),
        ("other:redis-5ecret%400123456789@", 503),
        (":redis-5ecret%400123456789@", 200),
        ("default:redis-5ecret%400123456789@", 200),
    ] {
        let instance = world.instance(&server.url(login));
        assert_eq!(
            world.status(&instance, &world.proof()).await,
            status,
            "{login}"
        );
    }
}

/// What docs/binding.md tells to grant.
#[tokio::test]
async fn the_right_to_set_its_own_keys_is_enough() {
    let user = "--user api on >hunter2 ~okta-verifier:dpop:* +set";
    let server = Server::with(&user.split(' ').collect::<Vec<_>>());
    let allowed = store(&server.url("api:hunter2@"));
    assert_eq!(ask(&allowed, 1).await, Ok(true));
    assert_eq!(ask(&allowed, 1).await, Ok(false));
    let elsewhere = allowed.key_prefix("other:").expect("a prefix");
    assert_eq!(
        ask(&elsewhere, 2).await,
        Err("Redis answered with NOPERM".to_owned())
    );
}

#[tokio::test]
async fn a_full_server_and_a_replica_let_nobody_in() {
    let full = Server::with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    assert_eq!(
        ask(&store(&full.url("")), 1).await,
        Err("Redis answered with OOM".to_owned())
    );
    let replica = Server::with(&["--replicaof", "127.0.0.1 1"]);
    let answer = ask(&store(&replica.url("")), 1).await;
    assert_eq!(answer, Err("Redis answered with READONLY".to_owned()));
}
