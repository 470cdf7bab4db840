//! Passwords and proofs are never shown, although settings contain the login and servers repeat what
//! they receive.

use std::time::{Duration, Instant};

use okta_verifier_redis::{RedisConfig, RedisReplayStore};

use crate::{
    NIL, OK,
    fake::{Fake, Reply},
    store,
    world::World,
};

const PASSWORD: &str = "redis-5ecret-0123456789";
/// An error in which a server repeats what it received.
const ECHO: &str = "-ERR redis-5ecret-0123456789 jti-5ecret-0123456789\r\n";

// conformance 20
#[tokio::test]
async fn redis_password_and_proof_are_never_shown() {
    secret_scan::secret(PASSWORD);
    for (login, reply, status) in [
        (OK, Reply::from(OK), 200),
        (OK, Reply::from(NIL), 401),
        (OK, Reply::from(ECHO), 503),
        (OK, Reply::from("HTTP/1.1 200 OK\r\n\r\n"), 503),
        (OK, Reply::Close, 503),
        (ECHO, Reply::from(OK), 503),
    ] {
        let fake = Fake::new(reply);
        fake.otherwise(login);
        let config = RedisConfig::server(fake.address())
            .login("api", PASSWORD)
            .timeout(Duration::from_secs(1));
        secret_scan::shown(format!("{config:?} {config:#?}"));
        let world = World::new(store(config));
        let deadline = Instant::now() + Duration::from_secs(10);
        // Repeated, because on a slow machine the store may time out, which is a 503 too.
        loop {
            let verdict = world.send(Some("jti-5ecret-0123456789")).await;
            let came = verdict.map_or_else(|rejection| rejection.status().as_u16(), |_| 200);
            if came == status {
                break;
            }
            assert_eq!(came, 503);
            assert!(Instant::now() < deadline, "{status} never came");
        }
        secret_scan::shown(format!("{:?} {:#?}", world.verifier, world.verifier));
    }
    // A URL that is passed as an address by mistake.
    let url = format!("redis://:{PASSWORD}@redis.internal");
    let config = RedisConfig::server(&url);
    secret_scan::shown(format!("{config:?}"));
    let error = RedisReplayStore::new(config).unwrap_err();
    secret_scan::shown(format!("{error} {error:?}"));
}
