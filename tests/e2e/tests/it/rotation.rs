//! The server rotates its keys while requests arrive.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::api::{self, Api, INVALID_TOKEN};
use crate::process::within;
use crate::server::{DEFAULT, decode};

// conformance 148: a new key is fetched when the first token names it
#[test]
fn overlapping_rotation_rejects_no_request() {
    let (server, api) = api::start();
    let load = Load::new(&api, server.token("read"));
    load.while_running(|| {
        for _ in 0..2 {
            server.rotate("overlap");
            load.add(server.token("read"));
            load.goes_on();
        }
    });
}

// conformance 148: a key that is published in advance causes no fetch until it is used
#[test]
fn appended_key_rejects_no_request() {
    let (server, api) = api::start();
    let old_kid = server.public_key(DEFAULT, "RS256")["kid"]
        .as_str()
        .expect("kid")
        .to_owned();
    let old = server.token("read");
    let load = Load::new(&api, old.clone());
    load.while_running(|| {
        server.take_hits("keys");
        server.rotate("append");
        let same_key = server.token("read");
        assert_eq!(decode(&same_key).0["kid"], old_kid.as_str());
        load.add(same_key);
        load.goes_on();
        assert_eq!(server.take_hits("keys"), 0, "no kid was unknown");
        load.clear();
    });

    server.withdraw(&old_kid);
    let load = Load::new(&api, server.token("read"));
    load.while_running(|| load.goes_on());
    is_rejected_soon(&api, &old);
}

// conformance 149
#[test]
fn hard_rotation_invalidates_old_tokens() {
    let (server, api) = api::start();
    let old = server.token("read");
    api.get("/me", &old).is_accepted("before");
    server.rotate("hard");
    api.get("/me", &server.token("read"))
        .is_accepted("the new key is fetched at once");
    is_rejected_soon(&api, &old);
}

// conformance 149: a revoked key, while the other keys stay valid
#[test]
fn withdrawn_key_invalidates_its_tokens() {
    let (server, api) = api::start();
    let revoked = server.token("read");
    api.get("/me", &revoked).is_accepted("before");
    server.set("alg", "ES256");
    let neighbour = server.token("read");
    api.get("/me", &neighbour).is_accepted("before");

    server.rotate("overlap");
    server.withdraw(decode(&revoked).0["kid"].as_str().expect("kid"));
    // The first token with a new key makes the API fetch.
    api.get("/me", &server.token("read"))
        .is_accepted("a new key");
    is_rejected_soon(&api, &revoked);
    api.get("/me", &neighbour).is_accepted("after");
}

/// Asserts that the token is rejected. 503 is allowed only while the keys are unavailable.
#[track_caller]
fn is_rejected_soon(api: &Api, token: &str) {
    let answer = api.settled(Duration::from_secs(12), token, "the key is gone");
    answer.is(INVALID_TOKEN, "the key is gone");
    api.get("/orders", token)
        .is(INVALID_TOKEN, "the key stays gone");
}

/// Requests from two threads, with each token in turns. All must be accepted.
struct Load<'a> {
    api: &'a Api,
    tokens: Mutex<Vec<String>>,
    sent: AtomicUsize,
}

impl<'a> Load<'a> {
    const MOST: usize = 5_000;

    fn new(api: &'a Api, token: String) -> Self {
        api.get("/me", &token).is_accepted("before the load");
        Self {
            api,
            tokens: Mutex::new(vec![token]),
            sent: AtomicUsize::new(0),
        }
    }

    fn add(&self, token: String) {
        self.tokens().push(token);
    }

    fn clear(&self) {
        self.tokens().clear();
    }

    /// Waits until a hundred more requests are accepted.
    fn goes_on(&self) {
        let before = self.sent.load(Ordering::Relaxed);
        within(Duration::from_secs(10), "the load goes on", || {
            (self.sent.load(Ordering::Relaxed) >= before + 100).then_some(())
        });
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn while_running(&self, change: impl FnOnce()) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..2).map(|_| scope.spawn(|| self.run(&stop))).collect();
            let end = StopOnDrop(&stop); // also if `change` panics
            change();
            drop(end);
            for client in clients {
                client.join().expect("no request is rejected");
            }
        });
    }

    fn run(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) && self.sent.load(Ordering::Relaxed) < Self::MOST {
            let tokens = self.tokens().clone();
            for token in &tokens {
                self.api.get("/me", token).is_accepted("under load");
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
