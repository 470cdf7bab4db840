//! Tests of the example as a process: its printed lines work, a client that knows its URL alone can log in, and a
//! signal ends it.

mod login;

use std::time::Duration;

use example_support::process::{self, Example};
use okta_verifier_testing::MockOkta;
use reqwest::blocking::Client;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-files");

/// Returns a client that follows no redirection and uses no proxy.
fn client() -> Client {
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    client
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client")
}

#[test]
fn printed_curl_lines_get_the_printed_status() {
    let statuses = Example::start(PROGRAM, &[]).run_printed_lines();
    for status in [200, 400, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    for (name, value, expected) in [
        ("MCP_SESSIONS", "yes", "MCP_SESSIONS"),
        ("MCP_URL", "http://mcp.example.com/mcp", "https"),
        ("MCP_URL", "", "resource"),
        ("MCP_ORIGINS", "*", "MCP_ORIGINS"),
        ("MCP_ORIGINS", "https://app.example.com/page", "MCP_ORIGINS"),
        ("OKTA_ISSUER", "", "OKTA_ISSUER"),
    ] {
        let output = process::fails(PROGRAM, &[("PORT", "0"), (name, value)]);
        assert!(output.contains(expected), "{name}={value}: {output}");
    }
}

#[test]
#[cfg(unix)]
fn signal_ends_the_server_and_its_streams() {
    for signal in ["TERM", "INT"] {
        let example = Example::start(PROGRAM, &[]);
        let server = login::Server::find(&example);
        let token = server.log_in("ada", "files:read");
        let session = server.initialize(&token);
        // A stream that only the server or the client ends.
        let stream = server.listen(&token, &session);
        assert_eq!(stream.status(), 200);
        assert_eq!(example.end(signal), Some(0), "{signal}");
        stream.text().expect("the stream ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_issuer_is_trusted_under_the_configured_url() {
    let okta = MockOkta::start().await;
    let settings = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
        ("MCP_URL", "https://mcp.example.com/tenant/mcp"),
    ];
    let token = okta.token("ada").scope("files:read").sign();
    let issuer = okta.issuer_url().to_owned();
    let example = Example::start(PROGRAM, &settings);
    // The client of the tests must not block the mock, which is a task of this runtime.
    let calls = tokio::task::spawn_blocking(move || {
        let address = example.address();
        let metadata = format!("{address}/.well-known/oauth-protected-resource/tenant/mcp");
        let metadata = client()
            .get(metadata)
            .send()
            .expect("a response")
            .text()
            .expect("text");
        assert!(
            metadata.contains(r#""resource":"https://mcp.example.com/tenant/mcp""#),
            "{metadata}"
        );
        assert!(metadata.contains(&issuer), "{metadata}");
        let url = format!("{address}/tenant/mcp");
        let call = |host: &str, token: &str| {
            let request = client().post(&url).header("host", host).bearer_auth(token);
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("content-type", "application/json");
            let response = request.body(login::INITIALIZE).send();
            response.expect("a response").status().as_u16()
        };
        assert_eq!(call("mcp.example.com", "a.b.c"), 401);
        assert_eq!(call("mcp.example.com", &token), 200);
        // rmcp serves the host of the URL alone.
        assert_eq!(call("127.0.0.1", &token), 403);
    });
    calls.await.expect("the calls succeed");
}
