//! Tests of the server behind its layers, with real keys and real signatures, without Okta and without a network.

use axum::{
    Router,
    body::{Body, to_bytes},
    response::Response,
};
use http::{HeaderMap, Request};
use okta_verifier_testing::{McpServer, ProtectedResource, TestIssuer, assert_protected_resource};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::router;
use crate::settings::Settings;

const URL: &str = "https://mcp.example.com/mcp";
const PAGE: &str = "https://app.example.com";
const METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

/// The last version with sessions, and the first one without.
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

struct App {
    okta: TestIssuer,
    router: Router,
}

impl App {
    fn start() -> Self {
        Self::with_sessions(true)
    }

    fn with_sessions(sessions: bool) -> Self {
        for text in [URL, PAGE, METADATA, "mcp.example.com"] {
            secret_scan::public(text);
        }
        let okta = TestIssuer::new(URL);
        let settings = Settings {
            url: URL.to_owned(),
            origins: vec![PAGE.to_owned()],
            sessions,
        };
        let verifier = settings.verifier(okta.issuer().any_client_id(), URL);
        let verifier = verifier.expect("valid settings");
        let router = router(&verifier, &settings, CancellationToken::new());
        Self {
            okta,
            router: router.expect("valid settings"),
        }
    }

    fn token(&self, user: &str, scopes: &[&str]) -> String {
        let token = self.okta.token(user);
        scopes
            .iter()
            .fold(token, |token, scope| token.scope(*scope))
            .sign()
    }

    async fn send(&self, request: http::request::Builder, body: impl Into<Body>) -> Response {
        let request = request.body(body.into()).expect("the request is valid");
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }

    /// Sends a message as the protocol version 2026-07-28 writes it, without a session.
    async fn call(&self, token: &str, method: &str, params: Value) -> Reply {
        let name = ["name", "uri"].iter().find_map(|it| params[it].as_str());
        let mut request = post(token, MODERN).header("mcp-method", method);
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        let mut params = params.clone();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        Reply::of(self.send(request, body.to_string()).await).await
    }

    /// Begins a session, and returns its ID.
    async fn initialize(&self, token: &str) -> String {
        let reply = Reply::of(self.send(post(token, LEGACY), initialize()).await).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["result"]["protocolVersion"], LEGACY);
        let session = reply.field("mcp-session-id").to_owned();
        let done = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(
            self.in_session(token, &session, done.to_owned())
                .await
                .status,
            202
        );
        session
    }

    async fn in_session(&self, token: &str, session: &str, body: String) -> Reply {
        let request = post(token, LEGACY).header("mcp-session-id", session);
        Reply::of(self.send(request, body).await).await
    }

    /// Sends a request without a body in a session, and returns its status without the body, which may be endless.
    async fn bare(&self, method: &str, token: &str, session: Option<&str>) -> u16 {
        let mut request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "mcp.example.com")
            .header("accept", "text/event-stream")
            .header("mcp-protocol-version", LEGACY);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        self.send(request, Body::empty()).await.status().as_u16()
    }
}

fn post(token: &str, version: &str) -> http::request::Builder {
    Request::post("/mcp")
        .header("host", "mcp.example.com")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", version)
}

fn initialize() -> String {
    let client = json!({ "name": "a test", "version": "1" });
    let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}

fn tool(name: &str, arguments: Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}

fn read(name: &str) -> Value {
    tool("read_file", json!({ "name": name }))
}

fn write() -> Value {
    tool(
        "write_file",
        json!({ "name": "notes.txt", "text": "a note" }),
    )
}

fn legacy(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20)
            .await
            .expect("the body is complete");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        Self {
            status,
            headers,
            body,
        }
    }

    fn field(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}"));
        value.to_str().expect("ASCII")
    }

    /// Returns the message of the body, which is JSON or the last event of a stream.
    fn json(&self) -> Value {
        let mut data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let text = data.next_back().unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    fn text(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        let message = self.json();
        let text = message["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("no text: {message}"))
            .to_owned()
    }

    #[track_caller]
    fn assert_challenge(&self, status: u16, scope: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        let challenge = self.field("www-authenticate");
        assert!(
            challenge.contains(&format!("scope=\"{scope}\"")),
            "{challenge}"
        );
        assert!(
            challenge.contains(&format!("resource_metadata=\"{METADATA}\"")),
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn request_without_a_usable_token_is_rejected_with_the_scope_of_the_server() {
    let app = App::start();
    let without = Request::post("/mcp").header("host", "mcp.example.com");
    let reply = Reply::of(app.send(without, legacy("tools/list", &json!({}))).await).await;
    reply.assert_challenge(401, "files:read");
    assert!(!reply.field("www-authenticate").contains("error"));

    let wrong = [
        app.okta.token("ada").scope("files:read").expired().sign(),
        app.okta
            .token("ada")
            .scope("files:read")
            .audience("https://mcp.example.com/")
            .sign(),
        app.okta
            .token("ada")
            .scope("files:read")
            .foreign_key()
            .sign(),
    ];
    for token in wrong {
        let reply = app.call(&token, "tools/call", read("welcome.txt")).await;
        reply.assert_challenge(401, "files:read");
    }
    let without_scope = app.token("ada", &["email"]);
    app.call(&without_scope, "tools/list", json!({}))
        .await
        .assert_challenge(403, "files:read");
    // Whatever it calls: the floor comes first.
    let rejected = app.call(&without_scope, "tools/call", write()).await;
    rejected.assert_challenge(403, "files:read");
}

#[tokio::test]
async fn tool_is_rejected_until_the_token_has_its_scope() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    for (name, scopes) in [
        ("ada", ["files:read", "files:write"]),
        ("eve", ["files:read", "files:admin"]),
    ] {
        let rejected = app.call(&reader, "tools/call", write()).await;
        rejected.assert_challenge(403, "files:read files:write");
        assert!(
            rejected
                .field("www-authenticate")
                .contains(r#"error="insufficient_scope""#)
        );
        let stronger = app.token(name, &scopes);
        assert_eq!(
            app.call(&stronger, "tools/call", write()).await.text(),
            "written"
        );
        assert_eq!(
            app.call(&stronger, "tools/call", read("notes.txt"))
                .await
                .text(),
            "a note"
        );
    }
    assert_eq!(
        app.call(&reader, "tools/call", read("welcome.txt"))
            .await
            .text(),
        "Hello!\n"
    );
}

#[tokio::test]
async fn tool_in_a_session_is_rejected_until_the_token_has_its_scope() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    let session = app.initialize(&reader).await;
    let read = legacy("tools/call", &read("welcome.txt"));
    let write = legacy("tools/call", &write());
    assert_eq!(
        app.in_session(&reader, &session, read).await.text(),
        "Hello!\n"
    );
    let rejected = app.in_session(&reader, &session, write.clone()).await;
    rejected.assert_challenge(403, "files:read files:write");
    // The client logs in again, and the session goes on with the new token.
    let writer = app.token("ada", &["files:read", "files:write"]);
    assert_eq!(
        app.in_session(&writer, &session, write).await.text(),
        "written"
    );
}

#[tokio::test]
async fn prompt_and_resource_are_rejected_until_the_token_has_their_scopes() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    let prompt = json!({ "name": "tidy_up" });
    let log = json!({ "uri": "files://log/changes" });
    let file = json!({ "uri": "files://all/welcome.txt" });
    let rejected = app.call(&reader, "prompts/get", prompt.clone()).await;
    rejected.assert_challenge(403, "files:read files:write");
    let rejected = app.call(&reader, "resources/read", log.clone()).await;
    rejected.assert_challenge(403, "files:read files:admin");
    let served = app.call(&reader, "resources/read", file).await.json();
    assert_eq!(served["result"]["contents"][0]["text"], "Hello!\n");

    let admin = app.token("ada", &["files:read", "files:admin"]);
    app.call(&admin, "tools/call", write()).await.text();
    let served = app.call(&admin, "prompts/get", prompt).await.json();
    let text = served["result"]["messages"][0]["content"]["text"].as_str();
    assert!(
        text.is_some_and(|text| text.contains("notes.txt")),
        "{served}"
    );
    let served = app.call(&admin, "resources/read", log).await.json();
    assert_eq!(served["result"]["contents"][0]["text"], "notes.txt\n");
}

#[tokio::test]
async fn handler_checks_the_arguments_with_the_token_of_the_request() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    let admin = app.token("ada", &["files:read", "files:admin"]);
    let private = read("private-plan.txt");
    let resource = json!({ "uri": "files://all/private-plan.txt" });
    for (method, params) in [
        ("tools/call", private.clone()),
        ("resources/read", resource),
    ] {
        let rejected = app.call(&reader, method, params.clone()).await;
        assert_eq!(
            (rejected.status, rejected.headers.get("www-authenticate")),
            (200, None)
        );
        let error = &rejected.json()["error"];
        assert_eq!(error["code"], -32600);
        assert_eq!(error["data"]["scope"], "files:read files:admin");
        assert!(!rejected.body.contains("Only administrators"));
        assert!(
            app.call(&admin, method, params)
                .await
                .body
                .contains("Only administrators")
        );
    }
    // In a session each request has its own token, whatever the session began with.
    let session = app.initialize(&admin).await;
    let message = legacy("tools/call", &private);
    let rejected = app.in_session(&reader, &session, message.clone()).await;
    assert_eq!(rejected.json()["error"]["code"], -32600);
    let served = app.in_session(&admin, &session, message).await;
    assert!(served.text().contains("Only administrators"));
}

#[tokio::test]
async fn name_that_could_be_a_path_is_rejected() {
    let app = App::start();
    let admin = app.token("ada", &["files:read", "files:admin"]);
    for name in ["../welcome.txt", "/etc/passwd", "a/b", ".hidden"] {
        let reply = app.call(&admin, "tools/call", read(name)).await;
        assert_eq!(reply.json()["result"]["isError"], true, "{name}");
    }
    for uri in [
        "files://all/../log/changes",
        "files://all/%2e%2e/log/changes",
        "FILES://log/changes",
    ] {
        let reply = app
            .call(
                &app.token("ada", &["files:read"]),
                "resources/read",
                json!({ "uri": uri }),
            )
            .await;
        assert!(
            reply.status != 200 || reply.json()["error"].is_object(),
            "{uri}: {}",
            reply.body
        );
    }
}

#[tokio::test]
async fn tools_are_listed_for_every_token() {
    let app = App::start();
    let mut lists = Vec::new();
    for scopes in [&["files:read"][..], &["files:read", "files:admin"]] {
        let token = app.token("ada", scopes);
        lists.push(
            app.call(&token, "tools/list", json!({})).await.json()["result"]["tools"].clone(),
        );
    }
    // A client that does not see a tool never requests the scope for it.
    assert_eq!(lists[0], lists[1]);
    let names: Vec<_> = lists[0]
        .as_array()
        .expect("tools")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["read_file", "write_file"]);
}

#[tokio::test]
async fn session_of_another_user_is_not_found() {
    let app = App::start();
    let [ada, eve] = ["ada", "eve"].map(|user| app.token(user, &["files:read"]));
    let other_client = app
        .okta
        .token("ada")
        .client_id("0oaother")
        .scope("files:read")
        .sign();
    let session = app.initialize(&ada).await;
    let message = legacy("tools/call", &read("welcome.txt"));
    for stranger in [&eve, &other_client] {
        let rejected = app.in_session(stranger, &session, message.clone()).await;
        assert_eq!(rejected.status, 404, "{}", rejected.body);
        assert_eq!(app.bare("GET", stranger, Some(&session)).await, 404);
        assert_eq!(app.bare("DELETE", stranger, Some(&session)).await, 404);
    }
    // It is as unknown as one that does not exist.
    assert_eq!(
        app.in_session(&ada, "unknown", message.clone())
            .await
            .status,
        404
    );
    // A refreshed token of the owner is another token with the same owner.
    let refreshed = app.token("ada", &["files:read"]);
    assert_eq!(
        app.in_session(&refreshed, &session, message.clone())
            .await
            .text(),
        "Hello!\n"
    );
    assert_eq!(app.bare("GET", &refreshed, Some(&session)).await, 200);
    assert_eq!(app.bare("DELETE", &refreshed, Some(&session)).await, 202);
    assert_eq!(app.in_session(&ada, &session, message).await.status, 404);
}

#[tokio::test]
async fn server_without_sessions_serves_posts_alone() {
    let app = App::with_sessions(false);
    let reader = app.token("ada", &["files:read"]);
    let reply = Reply::of(app.send(post(&reader, LEGACY), initialize()).await).await;
    assert_eq!(
        (reply.status, reply.headers.get("mcp-session-id")),
        (200, None)
    );
    assert_eq!(reply.field("content-type"), "application/json");
    let message = legacy("tools/call", &read("welcome.txt"));
    let reply = Reply::of(app.send(post(&reader, LEGACY), message).await).await;
    assert_eq!(reply.text(), "Hello!\n");
    for method in ["GET", "DELETE", "PUT"] {
        assert_eq!(app.bare(method, &reader, None).await, 405, "{method}");
        // Without a token it is a 401, as for every method.
        assert_eq!(app.bare(method, "", None).await, 401, "{method}");
    }
}

#[tokio::test]
async fn header_fields_that_name_another_tool_are_rejected() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    let body = legacy("tools/call", &write());
    let request = post(&reader, MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "read_file");
    let reply = Reply::of(app.send(request, body).await).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (400, &json!(-32020))
    );
}

#[tokio::test]
async fn paths_beside_the_server_are_not_found() {
    let app = App::start();
    for path in ["/", "/mcp/", "/mcp/tools", "/MCP"] {
        let response = app
            .send(Request::post(path).header("host", "mcp.example.com"), "{}")
            .await;
        assert_eq!(response.status(), 404, "{path}");
    }
    let path = METADATA.trim_start_matches("https://mcp.example.com");
    let metadata = Reply::of(app.send(Request::get(path), "").await).await;
    assert_eq!(metadata.json()["resource"], URL);
    assert_eq!(metadata.json()["scopes_supported"], json!(["files:read"]));
}

#[tokio::test]
async fn preflight_is_answered_without_a_token() {
    let app = App::start();
    let fields = "authorization,content-type,dpop,last-event-id,mcp-method,mcp-name,mcp-protocol-version,mcp-session-id";
    let preflight = |origin: &str| {
        Request::options("/mcp")
            .header("host", "mcp.example.com")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", fields)
    };
    let allowed = Reply::of(app.send(preflight(PAGE), "").await).await;
    assert_eq!(
        (allowed.status, allowed.field("access-control-allow-origin")),
        (200, PAGE)
    );
    assert_eq!(allowed.field("access-control-allow-headers"), fields);
    let other = Reply::of(app.send(preflight("https://evil.example"), "").await).await;
    assert_eq!(other.headers.get("access-control-allow-origin"), None);

    // A script may read the challenge.
    let request = Request::post("/mcp").header("origin", PAGE);
    let rejected = Reply::of(app.send(request, "{}").await).await;
    assert_eq!(
        (
            rejected.status,
            rejected.field("access-control-allow-origin")
        ),
        (401, PAGE)
    );
    let exposed = rejected.field("access-control-expose-headers");
    for name in ["www-authenticate", "mcp-session-id", "dpop-nonce"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[tokio::test]
async fn other_hosts_and_other_origins_are_rejected_by_rmcp() {
    let app = App::start();
    let reader = app.token("ada", &["files:read"]);
    for (host, origin, status) in [
        ("evil.example", None, 403),
        ("mcp.example.com", Some("https://evil.example"), 403),
        ("mcp.example.com", Some("null"), 403),
        ("mcp.example.com", Some("https://app.example.com:8443"), 403),
        ("mcp.example.com", Some("http://app.example.com"), 403),
        ("mcp.example.com", Some(PAGE), 200),
        ("mcp.example.com", None, 200),
    ] {
        let mut request = post(&reader, LEGACY);
        request
            .headers_mut()
            .expect("valid")
            .insert("host", host.parse().expect("ASCII"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = app.send(request, initialize()).await;
        assert_eq!(response.status(), status, "{host} {origin:?}");
    }
}

/// The scan of all lines for secrets would end this program; this test makes sure that there were lines.
#[test]
fn log_of_rmcp_has_neither_tokens_nor_subjects() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let subject = "ada.lovelace@example.com";
    let mut secrets = vec![subject.to_owned(), "Bearer".to_owned()];
    let lines = secret_scan::logged(|| {
        runtime.block_on(async {
            let app = App::start();
            let token = app.token(subject, &["files:read"]);
            secrets.extend(token.split('.').map(str::to_owned));
            let session = app.initialize(&token).await;
            let message = legacy("tools/call", &read("private-plan.txt"));
            app.in_session(&token, &session, message).await;
            app.call(&token, "tools/call", read("welcome.txt")).await;
        });
    });
    let of_rmcp: Vec<_> = lines
        .iter()
        .filter(|line| line.target.starts_with("rmcp"))
        .collect();
    assert!(
        of_rmcp
            .iter()
            .any(|line| line.text.contains("private-plan.txt")),
        "{of_rmcp:?}"
    );
    for line in &lines {
        for secret in &secrets {
            assert!(!line.text.contains(secret), "{}", line.target);
        }
    }
}

/// The real rmcp server, behind a socket.
#[tokio::test]
async fn server_passes_the_check_of_protected_resources() {
    for sessions in [true, false] {
        let App { okta, router } = App::with_sessions(sessions);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a socket");
        let address = listener.local_addr().expect("the listener is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });

        let server = McpServer::new([LEGACY, MODERN])
            .tool("read_file", [""; 0])
            .arguments(json!({ "name": "notes.txt" }))
            .tool("write_file", ["files:write"])
            .arguments(json!({ "name": "notes.txt", "text": "none" }))
            .prompt("tidy_up", ["files:write"])
            .resource("files://log/", ["files:admin"]);
        let resource = ProtectedResource::new(URL)
            .test_issuer(&okta)
            .scopes(["files:read"])
            .mcp(match sessions {
                true => server.sessions(),
                false => server,
            });
        let report = assert_protected_resource(&format!("http://{address}"), resource).await;
        assert!(report.passed() > 70, "{report}");
    }
}

use secret_scan as _;
