//! Tokens as the server issues them, in each shape and with each algorithm.

use serde_json::json;

use crate::api::{self, Api, INVALID_TOKEN, LACKS_ORDERS_READ};
use crate::server::{AuthorizationServer, decode};

const ALGORITHMS: [&str; 4] = ["RS256", "ES256", "PS256", "EdDSA"];

// conformance 15, 23, 67, 72, 74, 75, 85, 125
#[test]
fn okta_shaped_tokens_of_every_algorithm_are_accepted() {
    let (server, api) = api::start();
    for algorithm in ALGORITHMS {
        server.set("alg", algorithm);
        let token = server.token("orders:read");
        let (header, claims) = decode(&token);
        assert_eq!(
            (&header["alg"], header.get("typ")),
            (&json!(algorithm), None)
        );
        assert_eq!(
            (&claims["scp"], claims.get("client_id")),
            (&json!(["orders:read"]), None)
        );

        api.get("/me", &token).is_accepted(algorithm);
        api.get("/orders", &token).is_accepted(algorithm);
        let reader = server.token("read");
        api.get("/me", &reader).is_accepted(algorithm);
        api.get("/orders", &reader).is(LACKS_ORDERS_READ, algorithm);
    }
}

// conformance 89, 90, 93, 98, 100
#[test]
fn rfc9068_shaped_tokens_of_every_algorithm_are_accepted() {
    let server = AuthorizationServer::start();
    let api = Api::with(&server, &[("OKTA_PROFILE", "rfc9068")]);
    server.set("shape", "rfc9068");
    server.set("typ", "at+jwt");
    for algorithm in ALGORITHMS {
        server.set("alg", algorithm);
        let token = server.token("orders:read read");
        let (header, claims) = decode(&token);
        assert_eq!(
            (&header["alg"], &header["typ"]),
            (&json!(algorithm), &json!("at+jwt"))
        );
        assert_eq!(
            (&claims["scope"], claims.get("cid")),
            (&json!("orders:read read"), None)
        );

        api.get("/me", &token).is_accepted(algorithm);
        api.get("/orders", &token).is_accepted(algorithm);
        api.get("/orders", &server.token("read"))
            .is(LACKS_ORDERS_READ, algorithm);
    }
}

// conformance 46, 89: the profile requires `typ`
#[test]
fn rfc9068_profile_rejects_other_types() {
    let server = AuthorizationServer::start();
    let api = Api::with(&server, &[("OKTA_PROFILE", "rfc9068")]);
    server.set("shape", "rfc9068");
    for (typ, accepted) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("JWT", false),
        ("none", false), // no `typ` at all
    ] {
        server.set("typ", typ);
        let answer = api.get("/me", &server.token("read"));
        if accepted {
            answer.is_accepted(typ)
        } else {
            answer.is(INVALID_TOKEN, typ)
        }
    }
}

// conformance 46, 85, 98: one token with the claims of both shapes, and where they must agree
#[test]
fn okta_profile_accepts_both_shapes() {
    let (server, api) = api::start();
    for (shape, typ) in [
        ("both", "JWT"),
        ("both", "none"),
        ("both", "at+jwt"),
        ("rfc9068", "at+jwt"),
    ] {
        server.set("shape", shape);
        server.set("typ", typ);
        let token = server.token("orders:read");
        api.get("/orders", &token)
            .is_accepted(&format!("{shape}, {typ}"));
    }

    server.set("typ", "JWT");
    server.set("shape", "rfc9068");
    api.get("/me", &server.token("read"))
        .is(INVALID_TOKEN, "client_id counts under at+jwt only");

    for (claim, value) in [("scope", "orders:write"), ("client_id", "0oaother")] {
        let mut claims = server.claims();
        claims[claim] = value.into();
        let header = json!({ "alg": "RS256", "typ": "at+jwt" });
        api.get("/me", &server.sign(header, &claims))
            .is(INVALID_TOKEN, claim);
    }
}

// conformance 1, 3: forms of the header
#[test]
fn scheme_is_case_insensitive_and_may_be_followed_by_several_spaces() {
    let (server, api) = api::start();
    let token = server.token("read");
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR   "] {
        api.send("/me", &[&format!("{scheme}{token}")])
            .is_accepted(scheme);
    }
}

// decision 12: the proxy of the environment is not used
#[test]
fn loopback_issuer_is_contacted_without_a_proxy() {
    let server = AuthorizationServer::start();
    let unused = "http://127.0.0.1:9";
    let api = Api::with(
        &server,
        &[
            ("HTTP_PROXY", unused),
            ("http_proxy", unused),
            ("ALL_PROXY", unused),
            ("NO_PROXY", ""),
        ],
    );
    api.get("/me", &server.token("read"))
        .is_accepted("without the proxy");
}
