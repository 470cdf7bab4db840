//! The server changes its keys while requests arrive.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use live::jwt;
use live::service::{Service, accepted, assert_rejected};
use serde_json::json;

use crate::{issuer, own_realm};

#[test]
fn rotation_rejects_no_request() {
    let realm = own_realm("rotation");
    let service = Service::new(issuer(realm));
    let token = || realm.grant("web").user("ada").access;
    let kid = |token: &str| jwt::header(token)["kid"].clone();
    let load = Load::new(&service, token());
    load.while_running(|| {
        let first = token();
        realm.add_key(
            "second",
            200,
            "rsa-generated",
            &json!({ "algorithm": ["RS256"], "keySize": ["2048"] }),
        );
        let second = token();
        assert_ne!(kid(&second), kid(&first));
        load.add(second);
        load.goes_on();

        // A key of another type signs only once the realm says so.
        realm.add_key(
            "third",
            300,
            "ecdsa-generated",
            &json!({ "ecdsaEllipticCurveKey": ["P-256"] }),
        );
        realm.change(&json!({ "defaultSignatureAlgorithm": "ES256" }));
        let third = token();
        assert_eq!(jwt::header(&third)["alg"], "ES256");
        load.add(third);
        load.goes_on();

        // A passive key stays in the key set.
        realm.change_key("second", &[("active", "false")]);
        load.goes_on();
    });
}

#[test]
fn token_of_a_withdrawn_key_is_rejected_by_a_service_that_fetches_the_keys_afterwards() {
    let realm = own_realm("withdrawal");
    realm.add_key(
        "second",
        200,
        "rsa-generated",
        &json!({ "algorithm": ["RS256"], "keySize": ["2048"] }),
    );
    let token = realm.grant("web").user("ada").access;
    accepted(Service::new(issuer(realm)).bearer(&token));
    realm.change_key("second", &[("active", "false"), ("enabled", "false")]);
    assert_rejected(
        Service::new(issuer(realm)).bearer(&token),
        401,
        "unknown_key_id",
    );
}

#[test]
fn last_signing_key_that_is_deleted_is_replaced() {
    let realm = own_realm("fallback-key");
    let service = Service::new(issuer(realm));
    let before = realm.grant("web").user("ada").access;
    accepted(service.bearer(&before));
    realm.delete_key("rsa-generated");
    let after = realm.grant("web").user("ada").access;
    assert_ne!(jwt::header(&before)["kid"], jwt::header(&after)["kid"]);
    accepted(service.bearer(&after));
}

/// Requests from two threads, with each token in turns. All must be accepted.
struct Load<'a> {
    service: &'a Service,
    tokens: Mutex<Vec<String>>,
    sent: AtomicUsize,
    stopped: AtomicBool,
}

impl<'a> Load<'a> {
    fn new(service: &'a Service, token: String) -> Self {
        Self {
            service,
            tokens: Mutex::new(vec![token]),
            sent: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    fn add(&self, token: String) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token);
    }

    /// Waits until a hundred more requests are accepted.
    fn goes_on(&self) {
        let before = self.sent.load(Ordering::Relaxed);
        let end = Instant::now() + Duration::from_secs(30);
        while self.sent.load(Ordering::Relaxed) < before + 100 {
            assert!(
                !self.stopped.load(Ordering::Relaxed),
                "a request was rejected"
            );
            assert!(Instant::now() < end, "the load does not go on");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn while_running(&self, change: impl FnOnce()) {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let _stop = StopOnDrop(&self.stopped);
                    self.run();
                });
            }
            let _stop = StopOnDrop(&self.stopped); // also if `change` panics
            change();
        });
    }

    fn run(&self) {
        while !self.stopped.load(Ordering::Relaxed) {
            let tokens = self
                .tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            for token in &tokens {
                accepted(self.service.bearer(token));
                self.sent.fetch_add(1, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
