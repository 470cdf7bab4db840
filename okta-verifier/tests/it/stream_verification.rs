//! Scheduled verification of a stream: the request over HTTP, the event that the transmitter then pushes, and what
//! health and counters show.

use std::time::Duration;

use okta_verifier::{
    Verifier,
    revocation::{ManagementToken, Revocations, StreamStatus, Transmitter},
};
use okta_verifier_testing::{EVENT_AUDIENCE, EventBuilder, TestIssuer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};

use crate::support::mock_issuer::AUDIENCE;

const TOKEN: &str = "management-token-0123456789";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const EVENTS: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

/// A transmitter on loopback, which also issues access tokens.
struct FakeTransmitter {
    issuer: TestIssuer,
    /// The head and the body of each POST.
    posts: Receiver<(String, Value)>,
}

/// A verifier and the revocations that it uses.
struct Instance {
    verifier: Verifier,
    revocations: Revocations,
}

impl FakeTransmitter {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/acme", listener.local_addr().unwrap());
        let issuer = TestIssuer::keycloak(AUDIENCE).at(&url);
        let (sender, posts) = channel(10);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, url.clone(), sender.clone()));
            }
        });
        Self { issuer, posts }
    }

    /// Returns a verifier of the issuer and the receiver of its events.
    fn instance(&self) -> Instance {
        let transmitter = Transmitter::new(self.issuer.issuer_url())
            .audience(EVENT_AUDIENCE)
            .keys(self.issuer.jwks())
            .stream_id("stream-1")
            .verification_secret(SECRET)
            .verify_every(Duration::from_secs(600), ManagementToken::fixed(TOKEN));
        let builder = Revocations::builder().forgets_at_restart();
        let revocations = builder.transmitter(transmitter).build().unwrap();
        let builder = Verifier::builder().issuer(self.issuer.issuer().any_client_id());
        let verifier = builder.revocations(revocations.clone()).build().unwrap();
        Instance {
            verifier,
            revocations,
        }
    }

    /// Returns the state of the next request.
    async fn requested_state(&mut self) -> String {
        let post = timeout(Duration::from_secs(30), self.posts.recv()).await;
        let (head, body) = post.expect("a request in time").unwrap();
        assert!(head.starts_with("post /realms/acme/verify "), "{head}");
        assert!(head.contains("content-type: application/json\r\n"));
        assert!(head.contains(&format!("authorization: bearer {TOKEN}\r\n")));
        assert_eq!(body["stream_id"], "stream-1");
        body["state"].as_str().unwrap().to_owned()
    }

    fn event(&self, name: &str) -> EventBuilder {
        let event = self.issuer.event(&format!("{EVENTS}{name}"), "ada");
        event.subject(json!({"format": "opaque", "id": "stream-1"}))
    }
}

impl Instance {
    async fn push(&self, event: EventBuilder) -> u16 {
        let event = event.sign();
        let response = self.revocations.receive_event("POST", [], event.as_bytes());
        response.await.status().as_u16()
    }

    fn degraded_streams(&self) -> Vec<String> {
        let health = self.verifier.health().remove(0);
        health.revocation().unwrap().degraded_streams.clone()
    }
}

/// Responds to one request: with the metadata, or with 204 to a POST.
async fn serve(mut stream: TcpStream, url: String, posts: Sender<(String, Value)>) {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = format!("{}\r\n", head.to_lowercase());
            if head.starts_with("get /realms/acme/.well-known/ssf-configuration ") {
                let document =
                    json!({"issuer": url, "verification_endpoint": format!("{url}/verify")});
                return respond(&mut stream, "200 OK", &document.to_string()).await;
            }
            if head.starts_with("get ") {
                return respond(&mut stream, "404 Not Found", "").await;
            }
            if let Ok(body) = serde_json::from_str(body) {
                posts.send((head, body)).await.unwrap();
                return respond(&mut stream, "204 No Content", "").await;
            }
        }
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

async fn respond(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes()).await.unwrap();
}

// conformance 301
#[tokio::test]
async fn stream_verification_is_requested_and_its_event_is_accepted_by_each_instance() {
    let mut transmitter = FakeTransmitter::start().await;
    let (one, other) = (transmitter.instance(), transmitter.instance());
    one.verifier.warm_up().await.unwrap();
    let state = transmitter.requested_state().await;
    let wrong = transmitter.event("verification").member("state", "st-1");
    assert_eq!(one.push(wrong).await, 400);
    assert_eq!(one.revocations.transmitters()[0].last_verified, None);
    for instance in [&one, &other] {
        let event = transmitter.event("verification").member("state", &state);
        assert_eq!(instance.push(event).await, 202);
        let state = instance.revocations.transmitters().remove(0);
        assert!(state.last_verified.is_some() && !state.is_degraded());
    }
}

#[tokio::test]
async fn stream_verification_begins_with_the_first_token_or_the_first_event() {
    let mut transmitter = FakeTransmitter::start().await;
    let one = transmitter.instance();
    let jwt = transmitter.issuer.token("ada").sign();
    assert!(one.verifier.verify(&jwt).await.is_ok());
    transmitter.requested_state().await;
    let other = transmitter.instance();
    let event = transmitter.event("stream-updated");
    assert_eq!(other.push(event.member("status", "enabled")).await, 202);
    transmitter.requested_state().await;
}

// conformance 303
#[tokio::test]
async fn stream_that_is_paused_is_degraded_in_health_and_counters() {
    let transmitter = FakeTransmitter::start().await;
    let instance = transmitter.instance();
    assert!(instance.degraded_streams().is_empty());
    for (status, is_degraded) in [
        ("paused", true),
        ("enabled", false),
        ("disabled", true),
        ("enabled", false),
    ] {
        let event = transmitter.event("stream-updated");
        assert_eq!(instance.push(event.member("status", status)).await, 202);
        let expected: &[&str] = match is_degraded {
            true => &[transmitter.issuer.issuer_url()],
            false => &[],
        };
        assert_eq!(instance.degraded_streams(), expected, "{status}");
        let stats = instance.verifier.stats().revocation;
        assert_eq!(stats.transmitters[0].is_degraded(), is_degraded);
        assert!(!stats.transmitters[0].is_silent);
    }
    let stats = instance.verifier.stats().revocation;
    assert_eq!(stats.unknown_issuer, 0);
    assert_eq!(stats.transmitters[0].applied, [("stream-updated", 4)]);
    assert_eq!(stats.transmitters[0].stream, StreamStatus::Enabled);
}
