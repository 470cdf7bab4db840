//! Introspection at the real server: the library asks it, as each kind of client and in every trouble.

use std::sync::Arc;
use std::time::Duration;

use okta_verifier::{
    ClientAuthentication, Introspection, Issuer, Presented, Rejection, VerifiedToken, Verifier,
};
use tokio::runtime::Runtime;

use crate::browser::log_in_at;
use crate::process::within;
use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, DEFAULT, TENANT_B, access_token};

/// The API's own client, and its secret.
pub(crate) const RESOURCE: (&str, &str) = ("0oaresource", "secretr-secretr-secretr");
const OPAQUE: &str = "api://opaque";

/// A verifier, and where it runs.
pub(crate) struct Judge {
    pub(crate) verifier: Verifier,
    runtime: Runtime,
}

impl Judge {
    pub(crate) fn new(issuers: impl IntoIterator<Item = Issuer>) -> Self {
        let verifier = issuers
            .into_iter()
            .fold(Verifier::builder(), okta_verifier::VerifierBuilder::issuer)
            .build()
            .expect("valid settings");
        let runtime = Runtime::new().expect("a runtime");
        Self { verifier, runtime }
    }

    pub(crate) fn ask(&self, token: &str) -> Result<VerifiedToken, Rejection> {
        self.ask_within(token, None)
    }

    /// As a route that demands a fresh answer.
    fn ask_within(&self, token: &str, age: Option<Duration>) -> Result<VerifiedToken, Rejection> {
        let line = format!("Bearer {token}");
        let mut presented = Presented::new([line.as_bytes()]);
        if let Some(age) = age {
            presented = presented.checked_within(age);
        }
        self.runtime
            .block_on(self.verifier.authenticate(&presented))
    }

    fn status(&self, token: &str) -> u16 {
        match self.ask(token) {
            Ok(_) => 200,
            Err(rejection) => rejection.status().as_u16(),
        }
    }
}

fn default(server: &AuthorizationServer, audience: &str) -> Issuer {
    Issuer::okta(server.issuer(), audience).client_id(CLIENT)
}

fn client() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic(RESOURCE.0, RESOURCE.1)
}

fn every_token() -> Introspection {
    Introspection::every_token(client())
}

/// Trusts the default issuer, which is asked about opaque tokens too.
fn opaque_too(server: &AuthorizationServer, audience: &str, client: ClientAuthentication) -> Judge {
    let introspection = Introspection::opaque_tokens(client);
    Judge::new([default(server, audience).introspection(introspection)])
}

// conformance 101, 103, 106, 109, 110
#[test]
fn an_opaque_token_of_a_person() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    assert!(!token.contains('.'));

    let judge = opaque_too(&server, OPAQUE, client());
    let accepted = judge.ask(&token).expect("active");
    assert_eq!(accepted.subject(), "alice");
    assert_eq!(accepted.client_id(), Some(CLIENT));
    assert!(accepted.has_scope("read"));
    judge.ask(&token).expect("still");
    assert_eq!(
        server.take_hits("introspect"),
        1,
        "the answer is remembered"
    );
    assert_eq!(judge.status("nobody-made-this"), 401);

    let elsewhere = opaque_too(&server, AUDIENCE, client());
    assert_eq!(
        elsewhere.status(&token),
        401,
        "active, for another audience"
    );
    let without = Judge::new([default(&server, OPAQUE)]);
    server.take_hits("introspect");
    assert_eq!(without.status(&token), 401);
    assert_eq!(
        server.take_hits("introspect"),
        0,
        "nobody is asked unbidden"
    );
}

/// A machine's answer has no `sub` at this server (RFC 7662 §2.2 allows that, Okta sends one).
// conformance 109
#[test]
fn an_answer_without_a_subject_is_no_identity() {
    let server = AuthorizationServer::start();
    let form = [("scope", "read"), ("resource", OPAQUE)];
    let token = server.token_for(&form);
    let judge = opaque_too(&server, OPAQUE, client());
    assert_eq!(judge.status(&token), 401);
    assert_eq!(server.take_hits("introspect"), 1);
}

// conformance 102, 103
#[test]
fn every_client_authentication() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let (kid, pem) = server.client_key();
    let clients = [
        client(),
        ClientAuthentication::client_secret_post("0oaclient2", "secret2-secret2-secret2"),
        ClientAuthentication::private_key_jwt("0oapkjwt", Some(&kid), pem.as_str()),
    ];
    for client in clients {
        let judge = opaque_too(&server, OPAQUE, client);
        judge.ask(&token).expect("this client may ask");
    }
    assert_eq!(server.take_hits("introspect"), 3);
}

// conformance 107
#[test]
fn wrong_credentials_are_ours_and_not_the_tokens() {
    let server = AuthorizationServer::start();
    let opaque = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let jwt = server.token("read");
    let (_, other_key) = AuthorizationServer::start().client_key();
    let clients = [
        ClientAuthentication::client_secret_basic(RESOURCE.0, "wrong"),
        ClientAuthentication::client_secret_basic("0oanobody", RESOURCE.1),
        ClientAuthentication::private_key_jwt("0oapkjwt", None, other_key),
    ];
    for client in clients {
        let judge = opaque_too(&server, AUDIENCE, client);
        // One token that fails may be at fault itself.
        for token in [&*opaque, "another-opaque-token"] {
            let refused = judge.ask(token).expect_err("no answer");
            assert_eq!(refused.status(), 503, "never 401");
        }
        judge.ask(&jwt).expect("decided here");
        let health = judge.verifier.health();
        let said = format!("{health:?}").to_lowercase();
        assert!(said.contains("refused"), "{said}");
    }
}

// conformance 105, 115
#[test]
fn troubles_of_the_endpoint() {
    let server = AuthorizationServer::start();
    let opaque = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let jwt = server.token("read");
    let modes = [
        "status:500",
        "status:503",
        "status:429",
        "status:404",
        "drop",
        "hang",
        "truncate",
        "half",
        "html",
        "huge:64",
        "ctype:text/plain",
        "redirect",
        "body:{\"active\":\"true\"}",
        "body:{\"active\":1}",
        "body:{}",
        "body:[]",
    ];
    for mode in modes {
        server.fault("introspect", mode);
        let judge = opaque_too(&server, AUDIENCE, client());
        let refused = judge.ask(&opaque).expect_err(mode);
        assert_eq!(refused.status(), 503, "{mode}: never 401");
        let mut fields = refused.headers();
        assert!(fields.any(|(name, _)| name == "retry-after"), "{mode}");
        judge.ask(&jwt).expect("decided here");
        server.heal();
        let healed = opaque_too(&server, OPAQUE, client());
        healed.ask(&opaque).expect("the endpoint is back");
    }

    // An answer about this token that nobody can trust: the server is up, and the token is refused.
    server.fault("introspect", "body:{\"active\":true,\"active\":true}");
    let judge = opaque_too(&server, AUDIENCE, client());
    assert_eq!(judge.status(&opaque), 401);
    server.heal();
}

/// Once the trouble is over the same verifier asks again.
// conformance 113
#[test]
fn trouble_ends() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let judge = opaque_too(&server, OPAQUE, client());
    server.fault("introspect", "status:500");
    assert_eq!(judge.status(&token), 503);
    server.heal();
    within(Duration::from_secs(15), "the endpoint is back", || {
        judge.ask(&token).ok()
    });
}

// conformance 111, 114
#[test]
fn a_revoked_token_is_refused_within_max_age() {
    let server = AuthorizationServer::start();
    let age = Duration::from_secs(1);
    let always = every_token().max_age(age);
    let jwt = Judge::new([default(&server, AUDIENCE).introspection(always)]);
    let opaque = Introspection::opaque_tokens(client()).max_age(age);
    let opaque = Judge::new([default(&server, OPAQUE).introspection(opaque)]);
    for (judge, audience) in [(jwt, AUDIENCE), (opaque, OPAQUE)] {
        let [revoked, kept] =
            [(); 2].map(|()| access_token(&log_in_at(&server, DEFAULT, "alice", audience)));
        judge.ask(&revoked).expect("active");
        judge.ask(&kept).expect("active");
        server.revoke(DEFAULT, &revoked);
        let refusal = within(Duration::from_secs(5), "the revocation is noticed", || {
            judge.ask(&revoked).err()
        });
        assert_eq!(refusal.status(), 401);
        let code = refusal.error().map(okta_verifier::VerifyError::code);
        assert_eq!(code, Some("inactive"));
        judge.ask(&kept).expect("still active");
    }
}

/// One route asks again, the other does not.
// conformance 111
#[test]
fn a_route_that_demands_a_fresh_answer() {
    let server = AuthorizationServer::start();
    let judge =
        Judge::new([default(&server, AUDIENCE).introspection(Introspection::on_demand(client()))]);
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", AUDIENCE));
    judge.ask(&token).expect("signed");
    assert_eq!(server.take_hits("introspect"), 0);
    let now = Some(Duration::ZERO);
    judge.ask_within(&token, now).expect("active");
    server.revoke(DEFAULT, &token);
    let refused = judge.ask_within(&token, now).expect_err("revoked");
    assert_eq!(refused.status(), 401);
    assert_eq!(server.take_hits("introspect"), 2);
}

// conformance 81, 82, 108, 112
#[test]
fn two_issuers_are_asked_about_their_own() {
    let server = AuthorizationServer::start();
    let tenant_b = format!("{}{TENANT_B}", server.base());
    let always = every_token;
    let trusting = |url: &str| Issuer::okta(url, AUDIENCE).client_id(CLIENT);
    let first = trusting(&server.issuer()).introspection(always());
    let second = trusting(&tenant_b).introspection(always().signed_tokens_only());
    let judge = Judge::new([first, second]);
    let [a, b] = [DEFAULT, TENANT_B]
        .map(|issuer| access_token(&log_in_at(&server, issuer, "alice", AUDIENCE)));
    let [a, b] = [judge.ask(&a), judge.ask(&b)].map(|it| it.expect("active"));
    assert_eq!(
        [a.issuer(), b.issuer()],
        [server.issuer().as_str(), &tenant_b]
    );

    // An opaque token of tenant-b means nothing to the issuer that claims opaque tokens.
    let judge = opaque_too(&server, OPAQUE, client());
    let foreign = access_token(&log_in_at(&server, TENANT_B, "alice", OPAQUE));
    assert_eq!(judge.status(&foreign), 401);
}

/// Of many requests with one token, one asks.
#[test]
fn one_question_for_a_herd() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    server.fault("introspect", "slow:300");
    let judge = opaque_too(&server, OPAQUE, client());
    let line: Arc<str> = format!("Bearer {token}").into();
    let herd: Vec<_> = (0..200)
        .map(|_| {
            let (verifier, line) = (judge.verifier.clone(), Arc::clone(&line));
            judge.runtime.spawn(async move {
                let presented = Presented::new([line.as_bytes()]);
                verifier.authenticate(&presented).await.is_ok()
            })
        })
        .collect();
    for request in herd {
        assert!(judge.runtime.block_on(request).expect("no panic"));
    }
    assert_eq!(server.take_hits("introspect"), 1);
}
