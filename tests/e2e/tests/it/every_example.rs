//! One list of tokens of the real server, and the response of every example: the frameworks agree.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::api::{
    Api, Expected, FORBIDDEN, INVALID_TOKEN, LACKS_ORDERS_READ, MALFORMED, NO_CREDENTIALS,
};
use crate::browser::log_in;
use crate::process::within;
use crate::rpc::Rpc;
use crate::server::{AuthorizationServer, TENANT_B, access_token, now};

// conformance 1, 9, 13, 16, 72, 74, 82, 83, 88
#[test]
fn quickstart_gives_every_token_its_response() {
    gives_every_token_its_answer("quickstart");
}

// conformance 1, 9, 13, 16, 72, 74, 82, 83, 88
#[test]
fn actix_example_gives_every_token_its_response() {
    gives_every_token_its_answer("actix-orders");
}

// conformance 1, 9, 13, 16, 72, 74, 82, 83, 88
#[test]
fn hyper_example_gives_every_token_its_response() {
    gives_every_token_its_answer("hyper-tower");
}

// conformance 1, 9, 13, 16, 72, 74, 82, 83, 88
#[test]
fn grpc_example_gives_every_token_its_code_and_challenge() {
    let server = AuthorizationServer::start();
    let rpc = Rpc::of(&server);
    rpc.call("health", None).is_accepted("open");
    for Attempt {
        what,
        of,
        token,
        answer,
    } in attempts(&server)
    {
        let reply = rpc.call(of, token.as_deref());
        match answer {
            None => reply.is_accepted(what),
            Some(rejection) => reply.is(rejection, what),
        }
    }
}

// conformance 24, 148: unavailable at the start, recovers without a restart, one fetch for all workers
#[test]
fn actix_example_starts_without_its_issuer_and_shares_the_keys() {
    let server = AuthorizationServer::start();
    let token = server.token("orders:read");
    server.fault("discovery", "status:500");
    let api = Api::start("actix-orders", &server, &[]);
    api.get("/me", &token)
        .is_unavailable("the issuer is unavailable");
    server.heal();
    server.take_hits("keys");
    api.settled(Duration::from_secs(30), &token, "the issuer has recovered")
        .is_accepted("the issuer has recovered");

    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    api.get("/orders", &token).is_accepted("any worker");
                }
            });
        }
    });
    assert_eq!(server.take_hits("keys"), 1, "the workers share their keys");

    server.rotate("hard");
    let token = server.token("orders:read");
    api.settled(Duration::from_secs(30), &token, "a new key")
        .is_accepted("a new key");
    assert_eq!(server.take_hits("keys"), 1, "one fetch for the new key");
}

// conformance 24
#[test]
fn grpc_example_starts_without_its_issuer() {
    let server = AuthorizationServer::start();
    let token = server.token("orders:read");
    server.fault("discovery", "status:500");
    let rpc = Rpc::of(&server);
    rpc.call("health", None).is_accepted("open");
    rpc.call("me", None)
        .is(NO_CREDENTIALS, "rejected without the issuer");
    rpc.call("me", Some(&token))
        .is_unavailable("the issuer is unavailable");
    server.heal();
    let reply = within(Duration::from_secs(30), "the issuer has recovered", || {
        let reply = rpc.call("orders", Some(&token));
        (reply.code != 14).then_some(reply)
    });
    reply.is_accepted("the issuer has recovered");
}

fn gives_every_token_its_answer(example: &'static str) {
    let server = AuthorizationServer::start();
    let api = Api::start(example, &server, &[]);
    assert_eq!(api.send("/health", &[]).status, 200);
    assert_eq!(api.send("/nowhere", &[]).status, 404);
    for Attempt {
        what,
        of,
        token,
        answer,
    } in attempts(&server)
    {
        let credentials = token.map(|token| format!("Bearer {token}"));
        let credentials: Vec<_> = credentials.iter().map(String::as_str).collect();
        let got = api.send(&format!("/{of}"), &credentials);
        match answer {
            None => got.is_accepted(what),
            Some(rejection) => got.is(rejection, what),
        }
    }
}

struct Attempt {
    what: &'static str,
    /// The path without its slash, which is also the method of the gRPC client.
    of: &'static str,
    token: Option<String>,
    /// The expected rejection, or `None` if the token is accepted.
    answer: Option<Expected>,
}

fn attempts(server: &AuthorizationServer) -> Vec<Attempt> {
    let mut attempts = accepted(server);
    let rejected = |what, of, token: Option<String>, rejection| Attempt {
        what,
        of,
        token,
        answer: Some(rejection),
    };

    let reader = server.token("orders:read");
    let form = [("scope", "orders:read"), ("resource", "api://billing")];
    let billing = server.token_for(&form);
    let form = [("scope", "orders:read")];
    let tenant_b = access_token(&server.request_token(&format!("{TENANT_B}/v1/token"), &[], &form));
    let org = access_token(&server.request_token("/oauth2/v1/token", &[], &form));
    let form = [
        ("scope", "orders:read"),
        ("client_id", "0oaclient2"),
        ("client_secret", "secret2-secret2-secret2"),
    ];
    let other_client = server.token_for(&form);
    let mut claims = server.claims();
    claims["iat"] = json!(now() - 3600);
    claims["exp"] = json!(now() - 90);
    let expired = server.sign(json!({}), &claims);
    let id_token = log_in(server, "alice")["id_token"]
        .as_str()
        .map(str::to_owned);
    let bob = access_token(&log_in(server, "bob"));
    let unsigned = reader.rsplit_once('.').expect("three parts").0;
    let kid = "an-unknown-kid";

    attempts.extend(["me", "orders", "admin"].map(|of| rejected("none", of, None, NO_CREDENTIALS)));
    let comma = Some(format!("{reader},{reader}"));
    attempts.push(rejected("two in one", "orders", comma, MALFORMED));
    for (what, token) in [
        ("expired", expired),
        ("another audience", billing),
        ("another tenant", tenant_b),
        ("the org server", org),
        ("another client", other_client),
        ("an ID token", id_token.expect("an ID token")),
        ("no signature", format!("{unsigned}.")),
        ("an unknown key", server.with_unknown_key(kid)),
        ("no JWT", "a.b.c".to_owned()),
    ] {
        attempts.push(rejected(what, "orders", Some(token), INVALID_TOKEN));
    }
    for (what, of, token, rejection) in [
        (
            "no scope",
            "orders",
            server.token("read"),
            LACKS_ORDERS_READ,
        ),
        (
            "a person without the scope",
            "orders",
            bob.clone(),
            LACKS_ORDERS_READ,
        ),
        ("another group", "admin", bob, FORBIDDEN),
        ("a machine", "admin", reader, FORBIDDEN),
    ] {
        attempts.push(rejected(what, of, Some(token), rejection));
    }
    attempts
}

/// Returns accepted tokens: of a service with each algorithm, and of a user by group.
fn accepted(server: &AuthorizationServer) -> Vec<Attempt> {
    let accepted = |what, of, token| Attempt {
        what,
        of,
        token: Some(token),
        answer: None,
    };
    let mut attempts = Vec::new();
    for algorithm in ["ES256", "PS256", "EdDSA", "RS256"] {
        server.set("alg", algorithm);
        let token = server.token("orders:read");
        attempts.push(accepted(algorithm, "me", token.clone()));
        attempts.push(accepted(algorithm, "orders", token));
    }
    let alice = access_token(&log_in(server, "alice"));
    attempts.push(accepted("alice", "me", alice.clone()));
    attempts.push(accepted("alice, of Admins", "admin", alice));
    attempts
}
