//! Introspection at the real server, with each kind of client authentication and with every fault.

use std::sync::Arc;
use std::time::Duration;

use okta_verifier::{
    Issuer, Rejection, VerifiedToken, Verifier,
    adapter::RequestCredentials,
    introspection::{ClientAuthentication, Introspection},
};
use tokio::runtime::Runtime;

use crate::browser::log_in_at;
use crate::process::within;
use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, DEFAULT, TENANT_B, access_token};

/// The API's own client and its secret.
pub(crate) const RESOURCE: (&str, &str) = ("0oaresource", "secretr-secretr-secretr");
const OPAQUE: &str = "api://opaque";

/// A verifier and its runtime.
pub(crate) struct TestVerifier {
    pub(crate) verifier: Verifier,
    runtime: Runtime,
}

impl TestVerifier {
    pub(crate) fn new(issuers: impl IntoIterator<Item = Issuer>) -> Self {
        let verifier = issuers
            .into_iter()
            .fold(Verifier::builder(), okta_verifier::VerifierBuilder::issuer)
            .build()
            .expect("valid settings");
        let runtime = Runtime::new().expect("a runtime");
        Self { verifier, runtime }
    }

    pub(crate) fn verify(&self, token: &str) -> Result<VerifiedToken, Rejection> {
        self.verify_within(token, None)
    }

    /// Verifies the token as a route with a maximum age of the introspection result does.
    fn verify_within(
        &self,
        token: &str,
        age: Option<Duration>,
    ) -> Result<VerifiedToken, Rejection> {
        let line = format!("Bearer {token}");
        let mut credentials = RequestCredentials::new([line.as_bytes()]);
        if let Some(age) = age {
            credentials = credentials.max_introspection_age(age);
        }
        self.runtime
            .block_on(self.verifier.authenticate(&credentials))
    }

    fn status(&self, token: &str) -> u16 {
        match self.verify(token) {
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

/// Trusts the default issuer and introspects opaque tokens too.
fn opaque_too(
    server: &AuthorizationServer,
    audience: &str,
    client: ClientAuthentication,
) -> TestVerifier {
    let introspection = Introspection::opaque_tokens(client);
    TestVerifier::new([default(server, audience).introspection(introspection)])
}

// conformance 101, 103, 106, 109, 110
#[test]
fn opaque_token_of_a_user_is_accepted() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    assert!(!token.contains('.'));

    let tested = opaque_too(&server, OPAQUE, client());
    let accepted = tested.verify(&token).expect("active");
    assert_eq!(accepted.subject(), "alice");
    assert_eq!(accepted.client_id(), Some(CLIENT));
    assert!(accepted.has_scope("read"));
    tested.verify(&token).expect("still");
    assert_eq!(server.take_hits("introspect"), 1, "the result is cached");
    assert_eq!(tested.status("an-unknown-token"), 401);

    let elsewhere = opaque_too(&server, AUDIENCE, client());
    assert_eq!(
        elsewhere.status(&token),
        401,
        "active, for another audience"
    );
    let without = TestVerifier::new([default(&server, OPAQUE)]);
    server.take_hits("introspect");
    assert_eq!(without.status(&token), 401);
    assert_eq!(
        server.take_hits("introspect"),
        0,
        "no introspection without need"
    );
}

/// The response for a service has no `sub` at this server. RFC 7662 §2.2 allows that; Okta sends one.
// conformance 109
#[test]
fn introspection_without_a_subject_is_rejected() {
    let server = AuthorizationServer::start();
    let form = [("scope", "read"), ("resource", OPAQUE)];
    let token = server.token_for(&form);
    let tested = opaque_too(&server, OPAQUE, client());
    assert_eq!(tested.status(&token), 401);
    assert_eq!(server.take_hits("introspect"), 1);
}

// conformance 102, 103
#[test]
fn every_client_authentication_is_accepted() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let (kid, pem) = server.client_key();
    let clients = [
        client(),
        ClientAuthentication::client_secret_post("0oaclient2", "secret2-secret2-secret2"),
        ClientAuthentication::private_key_jwt("0oapkjwt", Some(&kid), pem.as_str()),
    ];
    for client in clients {
        let tested = opaque_too(&server, OPAQUE, client);
        tested.verify(&token).expect("this client is authorized");
    }
    assert_eq!(server.take_hits("introspect"), 3);
}

// conformance 107
#[test]
fn wrong_client_credentials_are_503_not_401() {
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
        let tested = opaque_too(&server, AUDIENCE, client);
        // The failure for a single token may be that token's fault.
        for token in [&*opaque, "another-opaque-token"] {
            let rejected = tested.verify(token).expect_err("no answer");
            assert_eq!(rejected.status(), 503, "never 401");
        }
        tested.verify(&jwt).expect("decided here");
        let health = tested.verifier.health();
        let said = format!("{health:?}").to_lowercase();
        assert!(said.contains("refused"), "{said}");
    }
}

// conformance 105, 115
#[test]
fn introspection_faults_are_503_until_the_endpoint_recovers() {
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
        let tested = opaque_too(&server, AUDIENCE, client());
        let rejected = tested.verify(&opaque).expect_err(mode);
        assert_eq!(rejected.status(), 503, "{mode}: never 401");
        let mut fields = rejected.headers();
        assert!(fields.any(|(name, _)| name == "retry-after"), "{mode}");
        tested.verify(&jwt).expect("decided here");
        server.heal();
        let healed = opaque_too(&server, OPAQUE, client());
        healed.verify(&opaque).expect("the endpoint has recovered");
    }

    // The response about this token is not trustworthy: the server is up, and the token is rejected.
    server.fault("introspect", "body:{\"active\":true,\"active\":true}");
    let tested = opaque_too(&server, AUDIENCE, client());
    assert_eq!(tested.status(&opaque), 401);
    server.heal();
}

/// After a fault, the same verifier introspects again.
// conformance 113
#[test]
fn introspection_resumes_after_a_fault() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    let tested = opaque_too(&server, OPAQUE, client());
    server.fault("introspect", "status:500");
    assert_eq!(tested.status(&token), 503);
    server.heal();
    within(
        Duration::from_secs(15),
        "the endpoint has recovered",
        || tested.verify(&token).ok(),
    );
}

// conformance 111, 114
#[test]
fn revoked_token_is_rejected_within_max_age() {
    let server = AuthorizationServer::start();
    let age = Duration::from_secs(1);
    let always = every_token().max_age(age);
    let jwt = TestVerifier::new([default(&server, AUDIENCE).introspection(always)]);
    let opaque = Introspection::opaque_tokens(client()).max_age(age);
    let opaque = TestVerifier::new([default(&server, OPAQUE).introspection(opaque)]);
    for (tested, audience) in [(jwt, AUDIENCE), (opaque, OPAQUE)] {
        let [revoked, kept] =
            [(); 2].map(|()| access_token(&log_in_at(&server, DEFAULT, "alice", audience)));
        tested.verify(&revoked).expect("active");
        tested.verify(&kept).expect("active");
        server.revoke(DEFAULT, &revoked);
        let rejection = within(Duration::from_secs(5), "the revocation is noticed", || {
            tested.verify(&revoked).err()
        });
        assert_eq!(rejection.status(), 401);
        let code = rejection.error().map(okta_verifier::VerifyError::code);
        assert_eq!(code, Some("inactive"));
        tested.verify(&kept).expect("still active");
    }
}

/// One route requires a recent result, the other does not.
// conformance 111
#[test]
fn route_with_max_age_introspects_again() {
    let server = AuthorizationServer::start();
    let tested = TestVerifier::new([
        default(&server, AUDIENCE).introspection(Introspection::on_demand(client()))
    ]);
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", AUDIENCE));
    tested.verify(&token).expect("signed");
    assert_eq!(server.take_hits("introspect"), 0);
    let now = Some(Duration::ZERO);
    tested.verify_within(&token, now).expect("active");
    server.revoke(DEFAULT, &token);
    let rejected = tested.verify_within(&token, now).expect_err("revoked");
    assert_eq!(rejected.status(), 401);
    assert_eq!(server.take_hits("introspect"), 2);
}

// conformance 81, 82, 108, 112
#[test]
fn tokens_are_introspected_at_their_own_issuer() {
    let server = AuthorizationServer::start();
    let tenant_b = format!("{}{TENANT_B}", server.base());
    let always = every_token;
    let trusting = |url: &str| Issuer::okta(url, AUDIENCE).client_id(CLIENT);
    let first = trusting(&server.issuer()).introspection(always());
    let second = trusting(&tenant_b).introspection(always().signed_tokens_only());
    let tested = TestVerifier::new([first, second]);
    let [a, b] = [DEFAULT, TENANT_B]
        .map(|issuer| access_token(&log_in_at(&server, issuer, "alice", AUDIENCE)));
    let [a, b] = [tested.verify(&a), tested.verify(&b)].map(|it| it.expect("active"));
    assert_eq!(
        [a.issuer(), b.issuer()],
        [server.issuer().as_str(), &tenant_b]
    );

    // An opaque token of tenant-b is unknown to the issuer that introspects opaque tokens.
    let tested = opaque_too(&server, OPAQUE, client());
    let foreign = access_token(&log_in_at(&server, TENANT_B, "alice", OPAQUE));
    assert_eq!(tested.status(&foreign), 401);
}

/// Concurrent requests with one token share one introspection request.
#[test]
fn concurrent_requests_share_one_introspection() {
    let server = AuthorizationServer::start();
    let token = access_token(&log_in_at(&server, DEFAULT, "alice", OPAQUE));
    server.fault("introspect", "slow:300");
    let tested = opaque_too(&server, OPAQUE, client());
    let line: Arc<str> = format!("Bearer {token}").into();
    let herd: Vec<_> = (0..200)
        .map(|_| {
            let (verifier, line) = (tested.verifier.clone(), Arc::clone(&line));
            tested.runtime.spawn(async move {
                let credentials = RequestCredentials::new([line.as_bytes()]);
                verifier.authenticate(&credentials).await.is_ok()
            })
        })
        .collect();
    for request in herd {
        assert!(tested.runtime.block_on(request).expect("no panic"));
    }
    assert_eq!(server.take_hits("introspect"), 1);
}
