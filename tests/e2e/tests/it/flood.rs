//! Tokens with made-up key IDs must neither cause many requests to the issuer nor keep a new key out.

use std::thread;
use std::time::{Duration, Instant};

use crate::api::{self, INVALID_TOKEN};
use crate::process::within;

const CLIENTS: usize = 4;
const REQUESTS: usize = 150; // per client
const BURST: u64 = 3;
const REFILL: Duration = Duration::from_secs(10);

// conformance 148
#[test]
fn unknown_kids_cause_a_bounded_number_of_fetches() {
    let (server, api) = api::start();
    let known = server.token("read");
    api.get("/me", &known).is_accepted("cold");
    assert_eq!(server.take_hits("keys"), 1, "one fetch when cold");

    let start = Instant::now();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, api, known) = (&server, &api, &known);
            scope.spawn(move || {
                for request in 0..REQUESTS {
                    let answer = api.get(
                        "/me",
                        &server.with_unknown_key(&format!("kid-{client}-{request}")),
                    );
                    answer.is(INVALID_TOKEN, "an unknown kid");
                    if request % 10 == 0 {
                        api.get("/me", known)
                            .is_accepted("a known kid in the flood");
                    }
                }
            });
        }
    });
    let most = BURST + start.elapsed().as_secs().div_ceil(REFILL.as_secs());
    let fetches = server.take_hits("keys");
    assert!(
        (1..=most).contains(&fetches),
        "{fetches} fetches in {:?}",
        start.elapsed()
    );

    // The rate limit is exhausted; a real rotation gets through as soon as it allows another fetch.
    server.rotate("overlap");
    let new = server.token("read");
    let rotated = Instant::now();
    let limit = REFILL + Duration::from_secs(2);
    within(limit, "a rotated key after a refill", || {
        let answer = api.get("/me", &new);
        if answer.status == 200 {
            return Some(());
        }
        answer.is(INVALID_TOKEN, "until the refill");
        None
    });
    let most = 1 + rotated.elapsed().as_secs() / REFILL.as_secs();
    assert!(
        server.take_hits("keys") <= most + 1,
        "the wait does not cost fetches either"
    );
    api.get("/me", &known)
        .is_accepted("the old key is still published");
}
