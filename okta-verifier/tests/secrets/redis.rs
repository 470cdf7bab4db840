//! The store of used proofs in Redis: its URL holds a password, and its questions what a proof says.

use std::time::{Duration, Instant};

use okta_verifier::{DpopSettings, Presented, RedisReplayStore, Verifier};
use okta_verifier_testing::{Client, TestIssuer};

#[allow(dead_code, reason = "tests/it asks it for more")]
#[path = "../it/binding/redis/fake.rs"]
mod fake;

use fake::{Fake, Reply};

const PASSWORD: &str = "redis-5ecret-0123456789";
/// What a server may write into its errors: whatever it was sent.
const ECHO: &str = "-ERR redis-5ecret-0123456789 jti-5ecret-0123456789\r\n";

// conformance 20
#[tokio::test]
async fn neither_password_nor_url_nor_proof_is_shown_by_redis() {
    secret_scan::secret(PASSWORD);
    let okta = TestIssuer::new("api://orders");
    for (login, reply, status) in [
        ("+OK\r\n", Reply::from("+OK\r\n"), 200),
        ("+OK\r\n", Reply::from("$-1\r\n"), 401),
        ("+OK\r\n", Reply::from(ECHO), 503),
        ("+OK\r\n", Reply::from("HTTP/1.1 200 OK\r\n\r\n"), 503),
        ("+OK\r\n", Reply::Close, 503),
        (ECHO, Reply::from("+OK\r\n"), 503),
    ] {
        let fake = Fake::new(reply);
        fake.login(login);
        let url = fake.url("redis", &format!("api:{PASSWORD}@"));
        secret_scan::secret(&url["redis://".len()..]);
        let store = RedisReplayStore::new(&url).unwrap();
        let store = store.timeout(Duration::from_secs(1)).unwrap();
        let settings = DpopSettings::base_url("https://api.example.com").replay_store(store);
        secret_scan::shown(format!("{settings:?} {settings:#?}"));
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .dpop(settings)
            .build()
            .unwrap();
        let client = Client::new();
        let jwt = client.bind(okta.token("ada")).sign();
        let line = format!("DPoP {jwt}");
        let deadline = Instant::now() + Duration::from_secs(10);
        // Again where a busy machine made the store late: that is 503 too.
        loop {
            let proof = client.proof("GET", "https://api.example.com/orders");
            let proof = proof.token(&jwt).jti("jti-5ecret-0123456789").sign();
            let presented = Presented::new([line.as_bytes()])
                .dpop([proof.as_bytes()])
                .request("GET", "/orders");
            let verdict = verifier.authenticate(&presented).await;
            secret_scan::verdict(&verdict);
            let came = verdict.map_or_else(|rejection| rejection.status().as_u16(), |_| 200);
            if came == status {
                break;
            }
            assert_eq!(came, 503);
            assert!(Instant::now() < deadline, "{status} never came");
        }
        secret_scan::shown(format!("{verifier:?} {verifier:#?}"));
    }
    let refused = RedisReplayStore::new(&format!("redis://{PASSWORD}@redis.internal"));
    let error = refused.unwrap_err();
    secret_scan::shown(format!("{error} {error:?}"));
}
