//! Logins, rights, and commands that the server refuses.

use okta_verifier::dpop::ProofUse;

use crate::{World, first_use, server::Server, store};

const PASSWORD: &str = "redis-5ecret@0123456789";

#[tokio::test]
async fn redis_login_must_be_right() {
    let (world, server) = (World::new(), Server::with(&["--requirepass", PASSWORD]));
    secret_scan::secret(PASSWORD);
    for (login, status) in [
        (None, 503),
        (Some(("default", "wrong")), 503),
        (Some(("other", PASSWORD)), 503),
        (Some(("default", PASSWORD)), 200),
    ] {
        let config = server.config();
        let config = match login {
            Some((user, password)) => config.login(user, password),
            None => config,
        };
        let instance = world.instance(config);
        let came = world.status(&instance, &world.proof()).await;
        assert_eq!(came, status, "{login:?}");
    }
}

/// The rights in okta-verifier/docs/dpop-and-mtls.md.
#[tokio::test]
async fn redis_right_to_set_its_own_keys_is_enough() {
    let user = "--user api on >hunter2 ~okta-verifier:dpop:* +ping +set";
    let server = Server::with(&user.split(' ').collect::<Vec<_>>());
    let allowed = store(server.config().login("api", "hunter2"));
    let elsewhere = allowed.clone().key_prefix("other:").expect("a prefix");
    let refused = Err(format!(
        "Redis server {} answered with NOPERM",
        server.address()
    ));
    assert_eq!(first_use(&elsewhere, 2).await, refused);
    let allowed = store(server.config().login("api", "hunter2"));
    assert_eq!(first_use(&allowed, 1).await, Ok(ProofUse::First));
    assert_eq!(first_use(&allowed, 1).await, Ok(ProofUse::Replayed));
}

#[tokio::test]
async fn redis_that_is_full_or_a_replica_is_an_error() {
    for (options, code) in [
        (
            ["--maxmemory", "1", "--maxmemory-policy", "noeviction"],
            "OOM",
        ),
        (
            ["--replicaof", "127.0.0.1 1", "--loglevel", "notice"],
            "READONLY",
        ),
    ] {
        let server = Server::with(&options);
        let answer = first_use(&store(server.config()), 1).await;
        let refused = format!("Redis server {} answered with {code}", server.address());
        assert_eq!(answer, Err(refused));
    }
}
