//! A small server of a protected resource, which is right, and whose responses a test can change.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use okta_verifier::{
    Algorithm, Policy, Rejection, Resource, VerifiedToken, Verifier,
    adapter::{Mount, RequestCredentials},
    dpop::DpopSettings,
};
use okta_verifier_testing::{McpServer, ProtectedResource, TestIssuer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::strict::Strict;

pub(super) const URL: &str = "https://mcp.example.com/mcp";
pub(super) const PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const READ: Policy = Policy::scope("files:read");

/// A change to a right response.
pub(super) type Change = fn(&Received, &mut Response);

/// A request.
pub(super) struct Received {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(&field.1)
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn is_mcp(&self) -> bool {
        self.path() == "/mcp" && self.method == "POST"
    }

    /// Returns a member of the body, which may be absent.
    pub(super) fn member(&self, pointer: &str) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body.pointer(pointer).cloned().unwrap_or_default()
    }

    /// Returns whether the request names a call that needs a scope of its own.
    pub(super) fn is_call(&self) -> bool {
        self.is_mcp() && self.text().contains("write_file")
    }

    pub(super) fn is_modern(&self) -> bool {
        self.field("mcp-protocol-version") == Some("2026-07-28")
    }

    /// Returns the header and the claims of the token.
    pub(super) fn token(&self) -> Option<(Value, Value)> {
        let (_, token) = self.field("authorization")?.split_once(' ')?;
        jwt(token)
    }
}

fn jwt(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

/// A response.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            fields: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    fn rejected(rejection: &Rejection) -> Self {
        let fields = rejection.headers();
        Self {
            status: rejection.status().as_u16(),
            fields: fields
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    /// Replaces the response by one without fields.
    pub(super) fn become_status(&mut self, status: u16) {
        *self = Self::new(status);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces a text in the challenges.
    pub(super) fn rewrite(&mut self, old: &str, new: &str) {
        for (name, value) in &mut self.fields {
            if name == "www-authenticate" {
                *value = value.replace(old, new);
            }
        }
    }

    /// Replaces a text in the body.
    pub(super) fn rewrite_body(&mut self, old: &str, new: &str) {
        let body = String::from_utf8(std::mem::take(&mut self.body)).unwrap();
        self.body = body.replace(old, new).into_bytes();
    }
}

/// Which tokens the server accepts.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Binding {
    Offered,
    Required,
}

/// The server, and what it is for `check_protected_resource`.
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) resource: ProtectedResource,
}

struct State {
    mount: Mount,
    /// The owner of each session.
    sessions: Mutex<HashMap<String, (String, String)>>,
    counter: AtomicU32,
    change: Change,
}

impl Server {
    pub(super) async fn start(binding: Binding, change: Change) -> Self {
        secret_scan::public(URL);
        let okta = TestIssuer::new(URL).algorithms([Algorithm::ES256]);
        let issuer = okta.issuer().any_client_id();
        let issuer = match binding {
            Binding::Offered => issuer,
            Binding::Required => issuer.require_dpop(),
        };
        let resource = Resource::new(URL).scopes(["files:read", "files:write"]);
        let verifier = Verifier::builder()
            .issuer(issuer)
            .resource(resource)
            .dpop(DpopSettings::base_url("https://mcp.example.com"))
            .build()
            .expect("valid settings");
        let state = Arc::new(State {
            mount: Mount::new(verifier).require(READ),
            sessions: Mutex::default(),
            counter: AtomicU32::default(),
            change,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address: SocketAddr = listener.local_addr().expect("the listener is bound");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        let mcp = McpServer::new(["2025-11-25", "2026-07-28"])
            .tool("write_file", ["files:write"])
            .arguments(json!({ "text": "none" }))
            .tool("read_file", [""; 0])
            .prompt("summary", ["files:summarize"])
            .resource("file:///secret", ["files:secret"])
            .sessions();
        let resource = ProtectedResource::new(URL)
            .test_issuer(&okta)
            .scopes(["files:read"])
            .operation("PUT", "/mcp/settings", ["files:admin"])
            .mcp(mcp);
        Self {
            base_url: format!("http://{address}"),
            resource: match binding {
                Binding::Offered => resource.dpop(),
                Binding::Required => resource.require_dpop(),
            },
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let mut response = state.respond(&request).await;
    (state.change)(&request, &mut response);
    let mut message = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", response.status);
    for (name, value) in &response.fields {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    message.push_str("\r\n");
    let mut message = message.into_bytes();
    message.extend(&response.body);
    let _ = stream.write_all(&message).await;
    let is_stream = |(_, value): &(String, String)| value == "text/event-stream";
    if response.fields.iter().any(is_stream) {
        let _ = stream.read(&mut [0]).await; // until the client has left
    }
}

/// Reads a request, whose body may come in chunks.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes).ok()?;
    let mut lines = head.trim_end().split("\r\n");
    let mut start = lines.next()?.split(' ');
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let mut request = Received {
        method: start.next()?.to_owned(),
        target: start.next()?.to_owned(),
        fields: lines.filter_map(field).collect(),
        body: Vec::new(),
    };
    if request.field("transfer-encoding").is_some() {
        while !body.ends_with(b"0\r\n\r\n") {
            stream.read_buf(&mut body).await.ok()?;
        }
        // Each chunk has one byte: its size, the byte, and two line ends.
        request.body = body.chunks(6).filter_map(|it| it.get(3)).copied().collect();
        request.body.pop(); // of the last chunk, which has none
    } else {
        let length = request.field("content-length").unwrap_or("0");
        let length: usize = length.parse().ok()?;
        while body.len() < length {
            if stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        request.body = body;
    }
    Some(request)
}

impl State {
    async fn respond(&self, request: &Received) -> Response {
        let requested = request.field("access-control-request-headers");
        let requested = requested.map(str::as_bytes);
        let verifier = self.mount.verifier();
        let path = request.path();
        if let Some(metadata) = verifier.resource_metadata(&request.method, path, requested) {
            let (parts, body) = metadata.into_parts();
            let fields = parts.headers.iter();
            let fields = fields
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let is_head = request.method == "HEAD";
            return Response {
                status: parts.status.as_u16(),
                fields,
                body: if is_head { Vec::new() } else { body.into() },
            };
        }
        if !matches!(path, "/mcp" | "/mcp/settings") {
            return Response::new(404);
        }
        let values = |name: &'static str| {
            let lines = request.fields.iter();
            let lines = lines.filter(move |(field, _)| field.eq_ignore_ascii_case(name));
            lines.map(|(_, value)| value.as_bytes())
        };
        let credentials = RequestCredentials::new(values("authorization"))
            .query(request.target.split_once('?').map(|(_, query)| query))
            .dpop(values("dpop"))
            .request(&request.method, path);
        let token = match self.mount.authenticate(&credentials).await {
            Ok(token) => token,
            Err(rejection) => return Response::rejected(&rejection),
        };
        let result = match path {
            "/mcp" => self.mcp(request, &token),
            _ => require(&token, "files:admin").map(|()| Response::new(204)),
        };
        result.unwrap_or_else(|response| response)
    }

    fn mcp(&self, request: &Received, token: &VerifiedToken) -> Result<Response, Response> {
        if request.body.len() > 4 << 20 {
            return Err(Response::new(413));
        }
        let is_post = request.method == "POST";
        let calls = match is_post {
            true => calls(request)?,
            false => Vec::new(),
        };
        let owner = || {
            let client = token.client_id().unwrap_or_default();
            (token.subject().to_owned(), client.to_owned())
        };
        let mut sessions = self.sessions.lock().unwrap();
        let session = request.field("mcp-session-id");
        if let Some(id) = session.filter(|_| !request.is_modern())
            && sessions.get(id) != Some(&owner())
        {
            return Err(Response::new(404));
        }
        match (&*request.method, session) {
            ("POST", _) => {}
            ("DELETE", Some(id)) => {
                sessions.remove(id);
                return Ok(Response::new(204));
            }
            _ => return Err(Response::new(405)),
        }
        for (method, name) in &calls {
            let scope = match (&**method, &**name) {
                ("tools/call", "write_file") => "files:write",
                ("prompts/get", "summary") => "files:summarize",
                ("resources/read", "file:///secret") => "files:secret",
                _ => continue,
            };
            require(token, scope)?;
        }
        let result = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
        let mut response = Response::json(200, &result);
        if calls.iter().any(|(method, _)| method == "initialize") {
            let number = self.counter.fetch_add(1, Ordering::Relaxed);
            let id = format!("session-{number}");
            response.set("mcp-session-id", &id);
            sessions.insert(id, owner());
        }
        Ok(response)
    }
}

fn require(token: &VerifiedToken, scope: &str) -> Result<(), Response> {
    let policy = match scope {
        "files:write" => Policy::scope("files:write"),
        "files:summarize" => Policy::scope("files:summarize"),
        "files:secret" => Policy::scope("files:secret"),
        _ => Policy::scope("files:admin"),
    };
    let result = token.require(policy);
    result
        .map(drop)
        .map_err(|rejection| Response::rejected(&rejection))
}

/// Returns the method of each message, and what it names.
fn calls(request: &Received) -> Result<Vec<(String, String)>, Response> {
    let malformed = || {
        let error = json!({ "code": -32600, "message": "malformed" });
        Response::json(400, &json!({ "jsonrpc": "2.0", "error": error }))
    };
    let version = request
        .field("mcp-protocol-version")
        .unwrap_or("2025-03-26");
    let is_date = version.len() == 10 && version.bytes().filter(u8::is_ascii_digit).count() == 8;
    let Ok(Strict(body)) = serde_json::from_slice(&request.body) else {
        return Err(malformed());
    };
    let messages = match body {
        Value::Array(messages) if version < "2026-07-28" => messages,
        Value::Object(_) => vec![body],
        _ => return Err(malformed()),
    };
    if !is_date {
        return Err(malformed());
    }
    let mut calls = Vec::new();
    for message in messages {
        let method = message.get("method").and_then(Value::as_str);
        let method = method.ok_or_else(malformed)?.to_owned();
        let member = match &*method {
            "tools/call" | "prompts/get" => Some("name"),
            "resources/read" => Some("uri"),
            _ => None,
        };
        let name = match member {
            Some(member) => message["params"][member].as_str().ok_or_else(malformed)?,
            None => "",
        };
        calls.push((method, name.to_owned()));
    }
    if version >= "2026-07-28" {
        let (method, name) = &calls[0];
        let named = request.field("mcp-name").unwrap_or_default();
        let encoded = named.strip_prefix("=?base64?");
        let encoded = encoded.and_then(|it| it.strip_suffix("?="));
        let named = match encoded {
            Some(encoded) => String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap(),
            None => named.to_owned(),
        };
        if request.field("mcp-method") != Some(method) || named != *name {
            let error = json!({ "code": -32020, "message": "the header disagrees" });
            let body = json!({ "jsonrpc": "2.0", "error": error });
            return Err(Response::json(400, &body));
        }
    }
    Ok(calls)
}
