//! The issuer's endpoints fail in every way of `as/faults.mjs`: before the first key was fetched, and after.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::Api;
use crate::server::{AuthorizationServer, DEFAULT, TENANT_B};

// conformance 24, 61, 62, 131, 143: answers that hold no key set
#[test]
fn bad_key_sets_are_no_key_sets() {
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
fn key_endpoint_errors_are_no_fault_of_the_token() {
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

// conformance 24: one deadline for the whole fetch, however it is dragged out
#[test]
fn a_slow_key_endpoint_holds_up_nobody_else() {
    for_each_fault("keys", &["hang", "slow:5000", "drip:200"]);
}

// conformance 24, 132
#[test]
fn discovery_errors_are_no_fault_of_the_token() {
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
fn bad_metadata_is_no_metadata() {
    for_each_fault(
        "discovery",
        &["half", "html", "nokeys", "empty", "huge:64", "body:[]"],
    );
}

// conformance 24, 132
#[test]
fn a_slow_discovery_endpoint_holds_up_nobody_else() {
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
fn metadata_of_another_issuer_is_refused() {
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
        // another origin, where nobody listens and nobody may be asked
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

// conformance 61, 62, 63: one unusable entry costs only itself
#[test]
fn good_keys_beside_bad_ones_are_used() {
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

/// An unknown kid makes the API fetch, or try to; the known one is served meanwhile and afterwards.
fn warm(server: &AuthorizationServer, api: &Api, token: &str, what: &str) {
    server.take_hits("keys");
    thread::scope(|scope| {
        let unknown = scope.spawn(|| api.get("/me", &server.made_up("nobody-knows-it")));
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
        answer.is_refused_or_unavailable(what);
    });
    assert!(server.take_hits("keys") >= 1, "{what}: no fetch was tried");
    api.get("/me", token).is_accepted(what);
}
