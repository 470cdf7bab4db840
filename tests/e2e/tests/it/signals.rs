//! Security events in the form of Okta from an independent sender, and logout tokens of a real OpenID provider. After each,
//! a request with the user's token shows what it did.

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing::get};
use okta_verifier::{
    Issuer, Verifier,
    revocation::{BackChannelLogout, Revocations, Transmitter},
};
use okta_verifier_axum::{Verified, VerifyLayer, revocation_routes};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::browser::{Browser, log_in, log_in_with};
use crate::process::within;
use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, DEFAULT, access_token, decode};

/// `aud` of the stream, which Okta sets.
const RECEIVER: &str = "https://receiver.acme.test";
/// `authorization_header` of the stream.
const AUTHORIZATION: &str = "Bearer 7d1f0b0e52c8";

/// An API with the receiver routes, and the server whose tokens it accepts.
struct Api {
    server: AuthorizationServer,
    address: SocketAddr,
    _runtime: Runtime,
}

impl Api {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let logouts = format!("http://{address}/events/logout");
        let server = AuthorizationServer::start_with(&[("LOGOUTS", &logouts)]);

        let transmitter = Transmitter::okta(server.base())
            .audience(RECEIVER)
            .authorization(AUTHORIZATION);
        let revocations = Revocations::builder()
            .transmitter(transmitter)
            .back_channel_logout(BackChannelLogout::new(server.issuer(), CLIENT))
            .forgets_at_restart()
            .build()
            .expect("valid settings");
        let verifier = Verifier::builder()
            .issuer(Issuer::okta(server.issuer(), AUDIENCE).any_client_id())
            .revocations(revocations.clone())
            .fetch_timeout(Duration::from_secs(10))
            .build()
            .expect("valid settings");
        let app = Router::new()
            .route("/orders", get(async |_: Verified| "orders"))
            .route_layer(VerifyLayer::new(verifier))
            .merge(revocation_routes(&revocations));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            server,
            address,
            _runtime: runtime,
        }
    }

    fn call(&self, token: &str) -> u16 {
        let request = self
            .server
            .http
            .get(format!("http://{}/orders", self.address));
        let answer = request.header("authorization", format!("Bearer {token}"));
        answer.call().expect("the API responds").status().as_u16()
    }

    /// Pushes an event about alice, with other members. Returns the status and the code of an error.
    fn push(&self, members: &Value) -> (u64, Option<String>) {
        let mut what = json!({
            "url": format!("http://{}/events/ssf", self.address), "authorization": AUTHORIZATION,
            "event": "session-revoked", "user": "00ualice", "audience": RECEIVER,
        });
        for (name, value) in members.as_object().expect("an object") {
            what[name] = value.clone();
        }
        let (status, body) = self.server.push(&what);
        let error = (!body.is_empty()).then(|| {
            let body: Value = serde_json::from_str(&body).expect("JSON");
            body["err"].as_str().expect("a code").to_owned()
        });
        (status, error)
    }

    /// Returns a token of a login in a later second than `token` was issued.
    fn later_login(&self, user: &str, token: &str) -> String {
        let issued_at = |token: &str| decode(token).1["iat"].as_u64().expect("a time");
        within(Duration::from_secs(20), "a second passes", || {
            let later = access_token(&log_in(&self.server, user));
            (issued_at(&later) > issued_at(token)).then_some(later)
        })
    }
}

// conformance 217, 219
#[test]
fn event_in_the_form_of_okta_rejects_the_tokens_of_its_user() {
    let api = Api::start();
    let bob = access_token(&log_in(&api.server, "bob"));
    let mut alice = access_token(&log_in(&api.server, "alice"));
    for event in ["session-revoked", "credential-change"] {
        assert_eq!((api.call(&alice), api.call(&bob)), (200, 200), "{event}");
        assert_eq!(api.push(&json!({ "event": event })), (202, None));
        assert_eq!((api.call(&alice), api.call(&bob)), (401, 200), "{event}");
        let last = access_token(&log_in(&api.server, "alice"));
        alice = api.later_login("alice", &last);
        assert_eq!(api.call(&alice), 200, "the next login");
    }
}

// conformance 212, 215, 217, 218
#[test]
fn event_that_is_not_genuine_is_rejected_and_revokes_nothing() {
    let api = Api::start();
    let tokens = log_in(&api.server, "alice");
    let alice = access_token(&tokens);
    for (members, code) in [
        (json!({ "wrong": "key" }), "invalid_key"),
        (json!({ "wrong": "audience" }), "invalid_audience"),
        (json!({ "wrong": "issuer" }), "invalid_issuer"),
        (json!({ "wrong": "typ" }), "invalid_request"),
        (json!({ "wrong": "truncated" }), "invalid_request"),
        (
            json!({ "authorization": "Bearer guessed" }),
            "authentication_failed",
        ),
        (json!({ "token": alice }), "invalid_request"),
        (json!({ "token": tokens["id_token"] }), "invalid_request"),
    ] {
        let answer = api.push(&members);
        assert_eq!(answer, (400, Some(code.to_owned())), "{members}");
        assert_eq!(api.call(&alice), 200, "{members}");
    }
    // The event itself was right.
    assert_eq!(api.push(&json!({})), (202, None));
    assert_eq!(api.call(&alice), 401);
}

// conformance 290
#[test]
fn logout_at_a_provider_rejects_the_tokens_of_its_user() {
    let api = Api::start();
    let bob = access_token(&log_in(&api.server, "bob"));
    let mut browser = Browser::new(&api.server);
    let alice = access_token(&log_in_with(&mut browser, DEFAULT, "alice", AUDIENCE));
    assert_eq!((api.call(&alice), api.call(&bob)), (200, 200));

    browser.log_out(DEFAULT);
    // The provider has sent the logout token before it responded. Its access tokens have no `sid`.
    assert_eq!((api.call(&alice), api.call(&bob)), (401, 200));
    let last = access_token(&log_in(&api.server, "alice"));
    assert_eq!(api.call(&api.later_login("alice", &last)), 200);
}
