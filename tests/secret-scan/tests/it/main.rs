//! The secret scan finds leaks. It ends the process, so each case runs in a child process of this program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    process::{Command, Output},
    thread,
};

use okta_verifier::{Policy, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Client, MockOkta, TestIssuer, TokenBuilder, conformance::Answer};
use secret_scan as _;
use serde_json::Value;

const CASE: &str = "WATCH_CASE";
const CLIENT_SECRET: &str = "client-5ecret-0123456789";
const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----";

/// A case: its name, and the output that it makes.
type Case = (&'static str, fn(&TestIssuer));

const CAUGHT: [Case; 16] = [
    ("a token", |okta| leak(&okta.token("ada").sign())),
    ("a part of a token", |okta| {
        leak(&okta.token("ada").sign()[200..216]);
    }),
    ("a token, by the crate log", |okta| {
        log::trace!(target: "another_crate", "< {}", okta.token("ada").sign());
    }),
    ("a token, as bytes", |okta| {
        let jwt = okta.token("ada").sign();
        tracing::trace!(target: "another_crate", token = jwt.as_bytes());
    }),
    ("a token, as the Debug output of bytes", |okta| {
        leak(&format!("{:?}", okta.token("ada").sign().as_bytes()));
    }),
    ("a token, in a span", |okta| {
        let jwt = okta.token("ada").sign();
        tracing::trace_span!(target: "another_crate", "request", jwt).in_scope(|| ());
    }),
    ("a token, in a thread whose panics are lost", |okta| {
        let jwt = okta.token("ada").sign();
        let _ = thread::spawn(move || leak(&jwt)).join();
    }),
    ("the name in a token", |okta| {
        let _ = okta.token("ada.lovelace@example.com").sign();
        leak("ada.lovelace@example.com");
    }),
    ("a value deep in a token", |okta| {
        let deep = Value::from_iter([("a", Value::from_iter([Value::from("deep-5ecret-0123")]))]);
        let _ = okta.token("ada").claim("own", deep).sign();
        leak("deep-5ecret-0123");
    }),
    ("an issuer that a client made up", |okta| {
        let _ = okta.token("ada").claim("iss", "https://evil.test/").sign();
        leak("https://evil.test/");
    }),
    ("a proof", |_| {
        leak(&Client::new().proof("GET", "https://api.test").sign());
    }),
    ("the name of a proof", |_| {
        let proof = Client::new().proof("GET", "https://api.test");
        let _ = proof.jti("jti-5ecret-0123456789").sign();
        leak("jti-5ecret-0123456789");
    }),
    ("a claim of an opaque token", |_| {
        with_mock(|okta| {
            let _ = okta.opaque_token("grace.hopper@example.com").sign();
            leak("grace.hopper@example.com");
        });
    }),
    ("a client's secret", |_| {
        with_mock(|okta| okta.set_client("0oatest", CLIENT_SECRET));
        leak(&format!("{:?}", ["0oatest", CLIENT_SECRET]));
    }),
    ("a private key", |_| {
        secret_scan::secret(PEM);
        leak("MIGHAgEAMBMGByqGSM49AgEG");
    }),
    ("a token, in an answer", |okta| {
        let jwt = okta.token("ada").sign();
        let _ = Answer::new(401, [("www-authenticate", format!("Bearer {jwt}"))], "");
    }),
];

const LET_PASS: [Case; 3] = [
    ("public contents", |okta| {
        let (header, claims) = read(okta.token("ada"));
        leak(claims["iss"].as_str().unwrap());
        leak(claims["aud"].as_str().unwrap());
        leak(header["kid"].as_str().unwrap());
        leak("-----BEGIN PRIVATE KEY-----");
    }),
    ("fifteen characters of a token", |okta| {
        leak(&okta.token("ada").sign()[200..215]);
    }),
    ("a rejection", |okta| {
        let verifier = Verifier::builder().issuer(okta.issuer().any_client_id());
        let verifier = verifier.build().unwrap();
        let token = okta.token("ada.lovelace@example.com");
        for token in [token.clone(), token.expired()] {
            let line = format!("Bearer {}", token.sign());
            let credentials = RequestCredentials::new([line.as_bytes()]);
            let result = verifier.authenticate(&credentials).into_ready().unwrap();
            secret_scan::verdict(&result);
            secret_scan::verdict(&result.and_then(|token| {
                let policy = token.require(Policy::scope("orders:write"));
                policy.map(|()| token)
            }));
        }
    }),
];

fn leak(text: &str) {
    tracing::trace!(target: "another_crate", text);
}

fn with_mock(act: impl FnOnce(&MockOkta)) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async { act(&MockOkta::start().await) });
}

fn read(token: TokenBuilder) -> (Value, Value) {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let jwt = token.sign();
    let mut parts = jwt.split('.').map(|part| {
        let part = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&part).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// Runs this program with one case only.
fn child((case, _): &Case) -> Output {
    let mut child = Command::new(env::current_exe().unwrap());
    let child = child.args(["--exact", "one_case"]).env(CASE, case);
    child.output().unwrap()
}

/// The case that a child process runs.
#[test]
fn one_case() {
    let Ok(name) = env::var(CASE) else { return };
    let mut cases = CAUGHT.iter().chain(&LET_PASS);
    let (_, act) = cases.find(|(case, _)| *case == name).unwrap();
    act(&TestIssuer::new("api://conformance"));
}

// conformance 20, 44
#[test]
fn leaked_secret_ends_the_process() {
    for case in &CAUGHT {
        let output = child(case);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{} is not found", case.0);
        assert!(text.contains("a secret is shown in"), "{}: {text}", case.0);
    }
}

#[test]
fn public_contents_may_be_shown() {
    for case in &LET_PASS {
        let output = child(case);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", case.0);
    }
}
