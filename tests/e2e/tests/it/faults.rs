//! Every fault of `as/faults.mjs` at the issuer's endpoints, before and after the first keys are fetched.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::Api;
use crate::server::{AuthorizationServer, DEFAULT, TENANT_B};

// conformance 24, 61, 62, 131, 143: responses without a key set
#[test]
fn invalid_key_sets_make_the_issuer_unavailable() {
    for_each_fault(
        "keys",
        &[
            "half",
            "html",
            "nokeys",
            "empty",
            "huge:64",
            "ctype:text/plain",
            "body:[]",
            "body:{\"keys\":{}}",
        ],
    );
}

// conformance 24, 143
#[test]
fn key_endpoint_errors_are_503_not_401() {
    for_each_fault(
        "keys",
        &[
            "status:500",
            "status:503",
            "status:429",
            "status:404",
            "drop",
            "truncate",
        ],
    );
}

// conformance 24: one deadline for the whole fetch, however slow its parts are
#[test]
fn slow_key_endpoint_does_not_delay_other_requests() {
    for_each_fault("keys", &["hang", "slow:5000", "drip:200"]);
}

// conformance 24, 132
#[test]
fn discovery_errors_are_503_not_401() {
    for_each_fault(
        "discovery",
        &[
            "status:500",
            "status:503",
            "status:429",
            "status:404",
            "drop",
            "truncate",
        ],
    );
}

// conformance 24, 131, 132
#[test]
fn invalid_metadata_makes_the_issuer_unavailable() {
    for_each_fault(
        "discovery",
        &["half", "html", "nokeys", "empty", "huge:64", "body:[]"],
    );
}

// conformance 24, 132
#[test]
fn slow_discovery_endpoint_does_not_delay_other_requests() {
    for_each_fault("discovery", &["hang", "slow:5000", "drip:200"]);
}

// conformance 87
#[test]
fn redirects_are_not_followed() {
    let server = AuthorizationServer::start();
    let other = AuthorizationServer::start();
    let token = server.token("read");
    let elsewhere = [
        ("keys", format!("{}{DEFAULT}/v1/keys", other.base())),
        (
            "discovery",
            format!("{}/.well-known/openid-configuration", other.issuer()),
        ),
    ];
    for (on, target) in elsewhere {
        server.fault(on, &format!("redirect:{target}"));
        let api = Api::of(&server);
        api.get("/me", &token).is_unavailable(&target);
        assert_eq!(other.take_hits(on), 0, "{target}");
        server.heal();
        recovers(&api, &token, &target);
    }

    server.take_hits("keys");
    server.fault("keys", "redirect");
    Api::of(&server).get("/me", &token).is_unavailable("a loop");
    let fetches = server.take_hits("keys");
    assert!(
        (1..=2).contains(&fetches),
        "{fetches} fetches at start and first request"
    );
}

// conformance 87, 127, 129
#[test]
fn metadata_of_another_issuer_is_rejected() {
    let server = AuthorizationServer::start();
    let token = server.token("read");
    let issuer = server.issuer();
    let keys = format!("{issuer}/v1/keys");
    let (scheme, rest) = issuer.split_once("://").expect("a URL");
    for metadata in [
        json!({ "issuer": format!("{}{TENANT_B}", server.base()), "jwks_uri": keys }),
        json!({ "issuer": format!("{issuer}/"), "jwks_uri": keys }),
        json!({ "issuer": format!("{scheme}://{}", rest.to_uppercase()), "jwks_uri": keys }),
        json!({ "issuer": [issuer], "jwks_uri": keys }),
        json!({ "jwks_uri": keys }),
        json!({ "issuer": issuer }),
        json!({ "issuer": issuer, "jwks_uri": 1 }),
        json!({ "issuer": issuer, "jwks_uri": "/v1/keys" }),
        // Another origin, where no server listens and which must not be contacted.
        json!({ "issuer": issuer, "jwks_uri": "http://127.0.0.1:9/v1/keys" }),
        json!({ "issuer": issuer, "jwks_uri": keys.replace("127.0.0.1", "localhost") }),
        json!({ "issuer": issuer, "jwks_uri": "file:///etc/hostname" }),
    ] {
        server.fault("discovery", &format!("body:{metadata}"));
        let api = Api::of(&server);
        api.get("/me", &token).is_unavailable(&metadata.to_string());
        server.heal();
    }
}

// conformance 124, 125, 126
#[test]
fn discovery_tries_the_next_form_after_404() {
    let server = AuthorizationServer::start();
    let token = server.token("read");
    server.take_hits("discovery");
    server.fault_once("discovery", "status:404");
    Api::of(&server)
        .get("/me", &token)
        .is_accepted("the RFC 8414 form");
    assert_eq!(server.take_hits("discovery"), 2);
}

// conformance 61, 62, 63: an unusable entry does not affect the others
#[test]
fn good_keys_next_to_bad_ones_are_used() {
    let server = AuthorizationServer::start();
    server.fault("keys", "mixed");
    let api = Api::of(&server);
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        server.set("alg", alg);
        api.get("/me", &server.token("read")).is_accepted(alg);
    }
}

fn for_each_fault(on: &str, modes: &[&str]) {
    let server = AuthorizationServer::start();
    let token = server.token("read");
    for mode in modes {
        let what = format!("{on}: {mode}");
        server.fault(on, mode);
        let api = Api::of(&server);
        cold(&api, &token, &what);
        server.heal();
        recovers(&api, &token, &what);
        server.fault(on, mode);
        warm(&server, &api, &token, &what);
        server.heal();
    }
}

fn cold(api: &Api, token: &str, what: &str) {
    let start = Instant::now();
    api.get("/me", token).is_unavailable(what);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{what}: {:?}",
        start.elapsed()
    );
}

fn recovers(api: &Api, token: &str, what: &str) {
    let limit = Duration::from_secs(10);
    api.settled(limit, token, what).is_accepted(what);
}

/// An unknown kid makes the API fetch. A known one is served during and after that.
fn warm(server: &AuthorizationServer, api: &Api, token: &str, what: &str) {
    server.take_hits("keys");
    thread::scope(|scope| {
        let unknown = scope.spawn(|| api.get("/me", &server.with_unknown_key("an-unknown-kid")));
        for _ in 0..20 {
            let start = Instant::now();
            api.get("/me", token).is_accepted(what);
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "{what}: {:?}",
                start.elapsed()
            );
            thread::sleep(Duration::from_millis(5));
        }
        let answer = unknown.join().expect("an answer");
        answer.is_rejected_or_unavailable(what);
    });
    assert!(server.take_hits("keys") >= 1, "{what}: no fetch was tried");
    api.get("/me", token).is_accepted(what);
}
