//! A flood of distinct hostile tokens, key IDs, issuers, proofs, keys, clients and opaque tokens:
//! memory use stays constant, and a valid token is verified as fast as before.
//!
//! `HOSTILE=1000000 cargo test --release -p okta-verifier --test hostile -- --nocapture` prints the
//! figures. Without the variable, the test sends 3,000 of each kind, and 300 of the kinds that it must
//! sign. It is a separate program because it measures the memory of the process. It has no `secret_scan`,
//! which keeps everything that it scans.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::{
    fs,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::{
    Algorithm, Verifier,
    adapter::RequestCredentials,
    dpop::DpopSettings,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Client, MockOkta, TestIssuer};

#[tokio::test]
async fn flood_of_hostile_requests_leaves_memory_and_verification_time_flat() {
    let requested: Option<u64> = std::env::var("HOSTILE")
        .ok()
        .map(|count| count.parse().unwrap());
    let begun = Instant::now();
    let fixture = Fixture::new().await;
    // Everything that is created at first use exists now, and the caches are full.
    for kind in KINDS {
        for number in 0..200 {
            fixture.send(kind, number).await;
        }
    }
    let calm = fixture.median_time();
    let before = resident();
    for kind in KINDS {
        // Signing takes as long as many rejections.
        let count = requested.unwrap_or(if kind.is_signed() { 300 } else { 3_000 });
        let (began, mut worst) = (Instant::now(), Duration::ZERO);
        for number in 0..count {
            fixture.send(kind, 1_000 + number).await;
            if number % 500 == 0 {
                worst = worst.max(fixture.median_time());
            }
        }
        let (after, time) = (resident(), fixture.median_time());
        println!(
            "{kind:?}: {count} in {:.1} s; resident {:.1} MB, {:.1} before all; a valid token {time:?}, \
             at worst {worst:?}, {calm:?} before all",
            began.elapsed().as_secs_f64(),
            after,
            before
        );
        assert!(
            after - before < 8.0,
            "{kind:?}: {before} MB and then {after} MB"
        );
        assert!(
            time < calm * 20 + Duration::from_millis(2),
            "{time:?} and before {calm:?}"
        );
    }
    let hits = fixture.okta.hits();
    println!("requests to the issuer: {hits:?}");
    assert!(
        hits.keys < 100,
        "key fetches for unknown key IDs are limited: {hits:?}"
    );
    // A burst of 32, and 16 per second.
    let most = 32 + 16 * (begun.elapsed().as_secs() + 1);
    assert!(
        (hits.introspection as u64) <= most,
        "introspection of invented tokens is limited: {hits:?}"
    );
}

/// The part that differs in every request.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Token,
    Kid,
    Issuer,
    Opaque,
    Jti,
    /// The key of the proof, which is not the one that the token is bound to.
    ProofKey,
    /// The client of a valid token, at an issuer where anyone can register clients.
    Client,
}

const KINDS: [Kind; 7] = [
    Kind::Token,
    Kind::Kid,
    Kind::Issuer,
    Kind::Opaque,
    Kind::Jti,
    Kind::ProofKey,
    Kind::Client,
];

impl Kind {
    fn is_signed(self) -> bool {
        matches!(self, Self::Jti | Self::ProofKey | Self::Client)
    }
}

struct Fixture {
    okta: MockOkta,
    /// Does not store its tokens. The mock server does, for introspection.
    other: TestIssuer,
    verifier: Verifier,
    valid: String,
    bound: String,
    client: Client,
    kid: String,
}

impl Fixture {
    async fn new() -> Self {
        let okta = MockOkta::start().await;
        let dpop = DpopSettings::base_url("https://api.example.com").replay_capacity(1_000);
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        let issuer = okta.issuer("api://default").any_client_id();
        let introspection = Introspection::opaque_tokens(client);
        let other = TestIssuer::new("api://default").at("https://other.test/oauth2/default");
        let verifier = Verifier::builder()
            .issuer(issuer.introspection(introspection))
            .issuer(other.issuer().any_client_id())
            .dpop(dpop)
            .token_cache_capacity(100)
            .fetch_timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        while verifier.warm_up().await.is_err() {}
        let client = Client::new();
        Self {
            valid: format!("Bearer {}", okta.token("ada").sign()),
            bound: client.bind(okta.token("eve")).sign(),
            kid: kid_of(&okta.token("eve").algorithm(Algorithm::ES256).sign()),
            okta,
            other,
            verifier,
            client,
        }
    }

    /// Sends one request. Only new clients, and proofs while the store has capacity, are accepted.
    async fn send(&self, kind: Kind, number: u64) {
        let issuer = self.okta.issuer_url();
        match kind {
            Kind::Token => self.bearer(&token(&self.kid, issuer, number)).await,
            Kind::Kid => {
                self.bearer(&token(&format!("kid {number}"), issuer, number))
                    .await
            }
            Kind::Issuer => {
                let other = format!("https://{number}.test/oauth2/default");
                self.bearer(&token(&self.kid, &other, number)).await;
            }
            Kind::Opaque => self.bearer(&format!("made-up-{number:020}")).await,
            Kind::Jti => self.dpop(&self.client, number),
            Kind::ProofKey => self.dpop(&Client::new(), number),
            Kind::Client => {
                let token = self.other.token("mallory").algorithm(Algorithm::ES256);
                let token = token.client_id(format!("client {number}")).sign();
                self.verifier.verify(&token).await.unwrap();
            }
        }
    }

    async fn bearer(&self, jwt: &str) {
        assert!(self.verifier.verify(jwt).await.is_err());
    }

    fn dpop(&self, client: &Client, number: u64) {
        let proof = client.proof("GET", "https://api.example.com/orders");
        let proof = proof
            .token(&self.bound)
            .jti(&format!("jti {number}"))
            .sign();
        let line = format!("DPoP {}", self.bound);
        let credentials = RequestCredentials::new([line.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", "/orders");
        // The in-memory store is always ready.
        assert!(
            self.verifier
                .authenticate(&credentials)
                .into_ready()
                .is_ok()
        );
    }

    /// Returns the median time of several verifications of the valid token.
    fn median_time(&self) -> Duration {
        let mut times: Vec<_> = (0..21)
            .map(|_| {
                let began = Instant::now();
                let credentials = RequestCredentials::new([self.valid.as_bytes()]);
                let result = self
                    .verifier
                    .authenticate(&credentials)
                    .into_ready()
                    .unwrap();
                assert!(result.is_ok());
                began.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    }
}

/// Returns a well-formed token with an invalid signature.
fn token(kid: &str, issuer: &str, number: u64) -> String {
    let header = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
    let payload = format!(
        r#"{{"iss":"{issuer}","aud":"api://default","sub":"{number}","exp":4000000000,"jti":"{number}"}}"#
    );
    let mut signature = [7; 64];
    signature[..8].copy_from_slice(&number.to_be_bytes());
    let [header, payload] = [header, payload].map(|text| URL_SAFE_NO_PAD.encode(text));
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn kid_of(jwt: &str) -> String {
    let header = URL_SAFE_NO_PAD
        .decode(jwt.split('.').next().unwrap())
        .unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Returns the resident memory in megabytes, or 0 if the system does not report it.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1e3
}
