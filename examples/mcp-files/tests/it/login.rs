//! The whole way of an MCP client, with one HTTP request per step: it knows the URL of the server alone.

use example_support::process::Example;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{PROGRAM, client};

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a test","version":"1"}}}"#;

const REDIRECT_URI: &str = "http://127.0.0.1:33418/callback";

/// The code verifier of RFC 7636, appendix B, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An MCP server, and the client that is registered at its authorization server.
pub(crate) struct Server {
    client: Client,
    url: String,
    /// The metadata of the authorization server.
    issuer: Value,
    client_id: String,
}

impl Server {
    /// Finds the authorization server from a challenge, and registers a client there.
    pub(crate) fn find(example: &Example) -> Self {
        let client = client();
        let url = format!("{}/mcp", example.address());
        let rejected = client
            .post(&url)
            .body(INITIALIZE)
            .send()
            .expect("a response");
        assert_eq!(rejected.status(), 401);
        assert_eq!(parameter(&rejected, "scope"), "files:read");
        let metadata = json_of(client.get(parameter(&rejected, "resource_metadata")));
        assert_eq!(metadata["resource"], url);
        assert_eq!(metadata["scopes_supported"], json!(["files:read"]));

        // RFC 8414 §3.1: the path of the issuer is at the end.
        let mut issuer = Url::parse(text(&metadata["authorization_servers"][0])).expect("a URL");
        issuer.set_path(&format!(
            "/.well-known/oauth-authorization-server{}",
            issuer.path()
        ));
        let issuer = json_of(client.get(issuer));
        assert_eq!(issuer["issuer"], metadata["authorization_servers"][0]);
        let registration = json!({
            "client_name": "a test",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = client.post(text(&issuer["registration_endpoint"]));
        let request = request.header("content-type", "application/json");
        let registered = json_of(request.body(registration.to_string()));
        let client_id = text(&registered["client_id"]).to_owned();
        Self {
            client,
            url,
            issuer,
            client_id,
        }
    }

    /// Logs a user in, and returns an access token for the server with these scopes.
    pub(crate) fn log_in(&self, user: &str, scopes: &str) -> String {
        let mut page = Url::parse(text(&self.issuer["authorization_endpoint"])).expect("a URL");
        page.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scopes),
            ("state", "a state"),
            ("resource", &self.url),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            // Instead of the click on the page.
            ("prompt", "none"),
            ("login_hint", user),
        ]);
        let redirected = self.client.get(page).send().expect("a response");
        let location = redirected.headers()["location"].to_str().expect("ASCII");
        let location = Url::parse(location).expect("a URL");
        let query = |name: &str| location.query_pairs().find(|(it, _)| it == name);
        let query = |name| {
            query(name)
                .unwrap_or_else(|| panic!("no {name}"))
                .1
                .into_owned()
        };
        // RFC 9207: the response is of the server that was asked.
        assert_eq!(query("iss"), self.issuer["issuer"]);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("code", &query("code")),
                ("redirect_uri", REDIRECT_URI),
                ("client_id", &self.client_id),
                ("code_verifier", VERIFIER),
                ("resource", &self.url),
            ])
            .finish();
        let request = self.client.post(text(&self.issuer["token_endpoint"]));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        text(&json_of(request.body(form))["access_token"]).to_owned()
    }

    /// Begins a session, and returns its ID.
    pub(crate) fn initialize(&self, token: &str) -> String {
        let begun = self.post(token, None, INITIALIZE);
        assert_eq!(begun.status(), 200);
        let session = begun.headers()["mcp-session-id"]
            .to_str()
            .expect("ASCII")
            .to_owned();
        let done = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(self.post(token, Some(&session), done).status(), 202);
        session
    }

    /// Opens the stream of a session.
    pub(crate) fn listen(&self, token: &str, session: &str) -> Response {
        let request = self.client.get(&self.url).bearer_auth(token);
        let request = request.header("mcp-session-id", session);
        request
            .header("accept", "text/event-stream")
            .send()
            .expect("a response")
    }

    fn call(&self, token: &str, session: &str, name: &str, arguments: &Value) -> Response {
        let params = json!({ "name": name, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        self.post(token, Some(session), &call.to_string())
    }

    fn post(&self, token: &str, session: Option<&str>, body: &str) -> Response {
        let request = self.client.post(&self.url).bearer_auth(token);
        let request = request.header("content-type", "application/json");
        let request = request.header("accept", "application/json, text/event-stream");
        let request = match session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        };
        request.body(body.to_owned()).send().expect("a response")
    }
}

#[test]
fn client_that_knows_the_url_alone_logs_in_and_requests_more_scopes() {
    let example = Example::start(PROGRAM, &[]);
    let server = Server::find(&example);
    let token = server.log_in("ada", "files:read");
    let session = server.initialize(&token);
    let read = server.call(
        &token,
        &session,
        "read_file",
        &json!({ "name": "welcome.txt" }),
    );
    assert!(read.text().expect("text").contains("Hello!"));

    let note = json!({ "name": "notes.txt", "text": "a note" });
    let rejected = server.call(&token, &session, "write_file", &note);
    assert_eq!(rejected.status(), 403);
    assert_eq!(parameter(&rejected, "error"), "insufficient_scope");
    let scope = parameter(&rejected, "scope");
    assert_eq!(scope, "files:read files:write");
    let stronger = server.log_in("ada", &scope);
    let written = server.call(&stronger, &session, "write_file", &note);
    assert!(written.text().expect("text").contains("written"));

    // The session is that of the user and the client.
    let of_bob = server.log_in("bob", &scope);
    assert_eq!(
        server.call(&of_bob, &session, "write_file", &note).status(),
        404
    );
    let other_client = Server::find(&example).log_in("ada", &scope);
    assert_eq!(
        server
            .call(&other_client, &session, "write_file", &note)
            .status(),
        404
    );
}

/// Returns a parameter of the challenge.
fn parameter(response: &Response, name: &str) -> String {
    let challenge = response.headers()["www-authenticate"]
        .to_str()
        .expect("ASCII");
    let begin = format!(" {name}=\"");
    let (_, value) = challenge
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {name}: {challenge}"));
    value.split('"').next().unwrap_or_default().to_owned()
}

fn json_of(request: RequestBuilder) -> Value {
    let response = request.send().expect("a response");
    assert!(response.status().is_success(), "{}", response.status());
    serde_json::from_str(&response.text().expect("text")).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
