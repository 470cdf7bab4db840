//! The table "Keys under stress" of README.md: the library against the real authorization server.
//!
//! ```sh
//! ci/e2e keys_under_stress -- --nocapture
//! ```

mod tokens;

use std::sync::Arc;
use std::time::{Duration, Instant};

use okta_verifier::{Issuer, KeySnapshot, Verifier};
use tokio::runtime::Runtime;

use crate::process::within;
use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, decode};

struct Table {
    server: AuthorizationServer,
    runtime: Runtime,
    rows: Vec<(&'static str, String)>,
}

// conformance 24, 132, 143, 148, 149
#[test]
fn keys_under_stress() {
    let mut table = Table {
        server: AuthorizationServer::start(),
        runtime: Runtime::new().expect("a runtime"),
        rows: Vec::new(),
    };
    table.herds();
    table.unknown_kids();
    table.rotation_after_warm_up();
    table.outages();
    table.past_freshness();
    table.removed_key();
    table.bad_key_sets();
    table.other_tokens();
    println!("\n| scenario | okta-verifier |\n|---|---|");
    for (scenario, measured) in table.rows {
        println!("| {scenario} | {measured} |");
    }
}

impl Table {
    fn row(&mut self, scenario: &'static str, measured: impl Into<String>) {
        self.rows.push((scenario, measured.into()));
    }

    fn issuer(&self) -> Issuer {
        Issuer::okta(self.server.issuer(), AUDIENCE).client_id(CLIENT)
    }

    fn verifier(&self) -> Verifier {
        build(self.issuer())
    }

    /// Returns a verifier with its keys, and resets the counters.
    fn warm(&self) -> Verifier {
        let verifier = self.verifier();
        self.runtime.block_on(verifier.warm_up()).expect("keys");
        self.fetches();
        verifier
    }

    fn fetches(&self) -> u64 {
        self.server.take_hits("keys")
    }

    /// Returns `ok`, or the code of the rejection.
    fn code(&self, verifier: &Verifier, token: &str) -> &'static str {
        self.runtime.block_on(code(verifier, token))
    }

    fn herds(&mut self) {
        let token: Arc<str> = self.server.token("read").into();
        for (scenario, half) in [
            ("10,000 concurrent cold verifications: JWKS fetches", false),
            ("the same, with half of the callers dropped half way", true),
        ] {
            // The response is late enough that every caller waits for it.
            self.server.fault("keys", "slow:1000");
            let verifier = self.verifier();
            self.fetches();
            let (begun, accepted, left) = self.runtime.block_on(async {
                let callers: Vec<_> = (0..10_000)
                    .map(|_| {
                        let (verifier, token) = (verifier.clone(), token.clone());
                        tokio::spawn(async move { code(&verifier, &token).await })
                    })
                    .collect();
                let begun = within(Duration::from_secs(10), "the fetch", || {
                    Some(self.fetches()).filter(|fetches| *fetches > 0)
                });
                let mut stays = Vec::new();
                for (number, caller) in callers.into_iter().enumerate() {
                    if half && number % 2 == 0 {
                        caller.abort();
                    } else {
                        stays.push(caller);
                    }
                }
                let (mut accepted, left) = (0, stays.len());
                for caller in stays {
                    accepted += usize::from(caller.await.expect("no panic") == "ok");
                }
                (begun, accepted, left)
            });
            let fetches = begun + self.fetches();
            self.server.heal();
            assert_eq!((fetches, accepted), (1, left));
            self.row(scenario, format!("{fetches}; all {left} accepted"));
        }
    }

    fn unknown_kids(&mut self) {
        let verifier = self.warm();
        let with_unknown_key = |number| self.server.with_unknown_key(&format!("made-up-{number}"));
        let start = Instant::now();
        for number in 0..50 {
            assert_ne!(self.code(&verifier, &with_unknown_key(number)), "ok");
        }
        let flood: Vec<String> = (50..100).map(with_unknown_key).collect();
        self.runtime.block_on(async {
            let callers: Vec<_> = flood
                .into_iter()
                .map(|token| {
                    let verifier = verifier.clone();
                    tokio::spawn(async move { code(&verifier, &token).await })
                })
                .collect();
            for caller in callers {
                assert_ne!(caller.await.expect("no panic"), "ok");
            }
        });
        let fetches = self.fetches();
        assert!(fetches <= 3 + start.elapsed().as_secs() / 10);
        self.row(
            "50 sequential and 50 concurrent made-up kids: fetches",
            fetches.to_string(),
        );

        self.server.rotate("overlap");
        let (new, start) = (self.server.token("read"), Instant::now());
        within(Duration::from_secs(12), "the rotated key", || {
            let code = self.code(&verifier, &new);
            assert!(matches!(code, "ok" | "unknown_key_id"), "{code}");
            (code == "ok").then_some(())
        });
        let (waited, fetches) = (start.elapsed().as_secs_f64(), self.fetches());
        self.row(
            "a really rotated key right after that flood",
            format!("401 `unknown_key_id`, then accepted after {waited:.1} s, by {fetches} fetch"),
        );
    }

    fn rotation_after_warm_up(&mut self) {
        let verifier = self.warm();
        self.server.rotate("overlap");
        let token = self.server.token("read");
        assert_eq!(self.code(&verifier, &token), "ok");
        let fetches = self.fetches();
        assert_eq!(fetches, 1);
        self.row(
            "a rotated key right after warm-up",
            format!("accepted at once, by {fetches} fetch"),
        );
    }

    fn outages(&mut self) {
        let token = self.server.token("read");
        self.server.fault("keys", "hang");
        let (verifier, start) = (self.verifier(), Instant::now());
        assert_eq!(self.code(&verifier, &token), "unavailable");
        let waited = start.elapsed().as_secs_f64();
        assert!(waited < 4.0, "{waited}");
        self.row(
            "the issuer takes the connection and never answers (cold)",
            format!("503 after {waited:.1} s"),
        );

        self.server.fault("keys", "status:500");
        let verifier = self.verifier();
        self.fetches();
        for _ in 0..20 {
            assert_eq!(self.code(&verifier, &token), "unavailable");
        }
        let fetches = self.fetches();
        assert!((1..=3).contains(&fetches), "{fetches}");
        self.row(
            "the issuer answers 500, 20 verifications in a row: fetches",
            fetches.to_string(),
        );
        self.server.heal();
    }

    /// Returns a verifier with keys that were fetched this many seconds ago.
    fn aged(&self, saved: &KeySnapshot, seconds: u64) -> Verifier {
        let mut saved = saved.clone();
        saved.fetched_at -= seconds;
        build(self.issuer().key_snapshot(saved))
    }

    fn past_freshness(&mut self) {
        let saved = self.warm().key_snapshots().remove(0);
        let token = self.server.token("read");
        self.server.fault("keys", "status:500");
        let end = saved.fresh_for + 3600;
        let stale = self.aged(&saved, saved.fresh_for + 60);
        assert_eq!(self.code(&stale, &token), "ok");
        let last = self.aged(&saved, end - 60);
        assert_eq!(self.code(&last, &token), "ok");
        let dead = self.aged(&saved, end + 1);
        assert_eq!(self.code(&dead, &token), "unavailable");
        self.server.heal();
        self.row(
            "the issuer answers 500 past the freshness, known kid",
            "accepted until `stale_if_error` (1 h) ends, then 503 (keys aged by a key snapshot)",
        );
    }

    fn removed_key(&mut self) {
        let verifier = self.warm();
        let saved = verifier.key_snapshots().remove(0);
        let token = self.server.token("read");
        let aged = self.aged(&saved, saved.fresh_for + 1);
        assert_eq!(self.code(&verifier, &token), "ok", "the token is cached");
        self.server.rotate("overlap");
        self.server
            .withdraw(decode(&token).0["kid"].as_str().expect("kid"));
        assert_eq!(self.code(&aged, &token), "unknown_key_id");
        self.runtime.block_on(verifier.refresh()).expect("keys");
        assert_eq!(self.code(&verifier, &token), "unknown_key_id");
        self.row(
            "signing key removed from the JWKS, past the freshness or after `refresh()`",
            "refused, a remembered token too (keys aged by a key snapshot)",
        );
    }
}

fn build(issuer: Issuer) -> Verifier {
    let builder = Verifier::builder().issuer(issuer);
    builder.build().expect("good settings")
}

async fn code(verifier: &Verifier, token: &str) -> &'static str {
    match verifier.verify(token).await {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
