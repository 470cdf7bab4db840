//! Requests that a client in a browser sends, and requests that no client of the tests sends.

use e2e::mcp::server::{Dpop, ORIGIN, Server, Settings};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::json;

use super::World;
use crate::server::{DEFAULT, access_token};

fn http() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

/// Returns a POST that begins a session.
fn initialize(server: &Server) -> RequestBuilder {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "raw", "version": "1.0.0" },
        },
    });
    http()
        .post(server.url())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(message.to_string())
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[test]
fn mcp_preflight_of_an_allowed_origin_needs_no_token() {
    let world = World::start(Settings::default());
    let preflight = |origin: &str| {
        let request = http().request(reqwest::Method::OPTIONS, world.server.url());
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let headers = "authorization,content-type,dpop,mcp-method,mcp-name,mcp-protocol-version,mcp-session-id";
        request
            .header("access-control-request-headers", headers)
            .send()
            .expect("a response")
    };
    let response = preflight(ORIGIN);
    assert_eq!(response.status(), 200);
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some(ORIGIN)
    );
    let allowed = header(&response, "access-control-allow-headers")
        .expect("the header")
        .to_owned();
    for name in [
        "authorization",
        "dpop",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
    ] {
        assert!(allowed.split(',').any(|one| one == name), "{allowed}");
    }
    let stranger = preflight("https://evil.example.com");
    assert_ne!(
        header(&stranger, "access-control-allow-origin"),
        Some("https://evil.example.com")
    );
}

// conformance 202
#[test]
fn mcp_challenge_can_be_read_by_scripts_of_an_allowed_origin() {
    let world = World::start(Settings::default());
    let response = initialize(&world.server)
        .header("origin", ORIGIN)
        .send()
        .expect("a response");
    assert_eq!(response.status(), 401);
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some(ORIGIN)
    );
    let exposed = header(&response, "access-control-expose-headers").expect("the header");
    assert!(exposed.contains("www-authenticate"), "{exposed}");

    // The metadata is for scripts of every origin.
    let url = format!(
        "{}/.well-known/oauth-protected-resource/mcp",
        world.server.base()
    );
    let response = http()
        .get(url)
        .header("origin", "https://other.example.com")
        .send()
        .expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
}

#[test]
fn mcp_request_of_another_origin_is_rejected_in_spite_of_its_token() {
    let world = World::start(Settings::default());
    let token = token_with_scope(&world);
    let send = |origin: &str| {
        let request = initialize(&world.server).bearer_auth(&token);
        request
            .header("origin", origin)
            .send()
            .expect("a response")
            .status()
    };
    assert_eq!(send(ORIGIN), 200);
    assert_eq!(send("https://evil.example.com"), 403);
}

/// Returns a token for the server that admits every request but `write_file`.
fn token_with_scope(world: &World) -> String {
    world
        .issuer
        .token_for(&[("scope", "files:read"), ("resource", &world.server.url())])
}

#[test]
fn mcp_bound_token_is_rejected_as_a_bearer_token() {
    let world = World::start(Settings {
        dpop: Dpop::WithoutNonce,
        ..Settings::default()
    });
    let url = world.issuer.url(&format!("{DEFAULT}/v1/token"));
    let resource = world.server.url();
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "files:read"),
        ("resource", &resource),
    ];
    let request = http()
        .post(&url)
        .basic_auth("0oadpop", Some("secretd-secretd-secretd"));
    let request = request.header(
        "DPoP",
        okta_verifier_testing::Client::new()
            .proof("POST", &url)
            .sign(),
    );
    let answer = request
        .form(&form)
        .send()
        .expect("a response")
        .text()
        .expect("text");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["token_type"], "DPoP");
    let response = initialize(&world.server)
        .bearer_auth(access_token(&answer))
        .send()
        .expect("a response");
    assert_eq!(response.status(), 401);
}

#[test]
fn mcp_token_for_another_resource_is_rejected() {
    let world = World::start(Settings::default());
    let other = format!("{}/other", world.server.base());
    for resource in [other, format!("{}/", world.server.url())] {
        let token = world
            .issuer
            .token_for(&[("scope", "files:read"), ("resource", &resource)]);
        let response = initialize(&world.server)
            .bearer_auth(token)
            .send()
            .expect("a response");
        assert_eq!(response.status(), 401);
    }
}
