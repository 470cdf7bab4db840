//! The MCP server of the tests, with a record of the requests that it got.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use okta_verifier::dpop::{DpopNonces, DpopSettings};
use okta_verifier::{Issuer, Policy, Resource, Verifier};
use okta_verifier_axum::{VerifyLayer, metadata};
use okta_verifier_tower::mcp::{McpLayer, Tools as Table};
use rmcp::transport::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde_json::Value;
use tower_http::cors::CorsLayer;

use super::Running;
use super::proxy::{Change, Proxy};
use super::tools::Tools;

pub const READ: &str = "files:read";
pub const WRITE: &str = "files:write";
/// The origin of a browser client that the server allows.
pub const ORIGIN: &str = "https://inspector.example.com";

/// Which DPoP proofs the server accepts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Dpop {
    #[default]
    Off,
    WithoutNonce,
    WithNonce,
}

/// Settings of the server. The default is what a service should have.
#[derive(Clone)]
pub struct Settings {
    /// The path of the resource in its metadata. The server itself is always at `/mcp`.
    pub resource: &'static str,
    /// Whether clients of versions before 2026-07-28 get sessions.
    pub sessions: bool,
    pub dpop: Dpop,
    /// What a proxy in front of the server changes. The resource has the URL of the proxy.
    pub proxy: Option<Change>,
    /// Whether the layers verify tokens; without them the server is that of rmcp.
    pub verified: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            resource: "/mcp",
            sessions: true,
            dpop: Dpop::Off,
            proxy: None,
            verified: true,
        }
    }
}

/// A server on a free port of 127.0.0.1, which ends when this value is dropped.
pub struct Server {
    base: String,
    record: Record,
    _proxy: Option<Proxy>,
    _running: Running,
}

impl Server {
    /// Starts a server whose tokens are issued by `issuer`, called with the audience.
    pub fn start(settings: Settings, issuer: impl FnOnce(&str) -> Issuer) -> Self {
        log();
        let listener = super::listener();
        let own = super::base(&listener);
        let record = Record::default();
        let proxy = settings
            .proxy
            .clone()
            .map(|change| Proxy::start(&own, change));
        let base = proxy.as_ref().map_or(own, |proxy| proxy.base().to_owned());
        let recorder = middleware::from_fn_with_state(record.clone(), recorded);
        let app = app(&settings, &base, issuer).layer(recorder);
        Self {
            base,
            record,
            _proxy: proxy,
            _running: Running::start(listener, app),
        }
    }

    /// Returns the URL of the server, without a path.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the URL that clients call.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// Returns the requests since the last call, in the order in which they came.
    #[must_use]
    pub fn take_hits(&self) -> Vec<Hit> {
        std::mem::take(&mut self.record.lock().hits)
    }

    /// Returns whether anything that this process logged has the claims or the signature of a token that the server got.
    ///
    /// The token itself is not returned, so that the output of a test cannot show it.
    #[must_use]
    pub fn has_logged_a_token(&self) -> bool {
        let record = self.record.lock();
        assert!(!record.tokens.is_empty(), "the server got no token");
        let log = log().lock().unwrap_or_else(PoisonError::into_inner);
        let parts = record
            .tokens
            .iter()
            .flat_map(|token| token.split('.').skip(1));
        parts.into_iter().any(|part| log.contains(part))
    }
}

fn app(settings: &Settings, base: &str, issuer: impl FnOnce(&str) -> Issuer) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(settings.sessions)
        .with_allowed_origins([ORIGIN, "http://127.0.0.1:*", "http://localhost:*"]);
    let service =
        StreamableHttpService::new(|| Ok(Tools), Arc::<LocalSessionManager>::default(), config);
    let routes = Router::new().nest_service("/mcp", service);
    if !settings.verified {
        return routes;
    }
    let verifier = verifier(settings, base, issuer);
    let tools = Table::new(Policy::scope(READ)).tool("write_file", Policy::scope(WRITE));
    let guard = McpLayer::new(tools).end_streams(&verifier);
    routes
        .route_layer(guard)
        .route_layer(
            VerifyLayer::new(verifier.clone())
                .require(Policy::scope(READ))
                .strip_credentials(),
        )
        .layer(cors())
        .merge(metadata(&verifier))
}

fn verifier(settings: &Settings, base: &str, issuer: impl FnOnce(&str) -> Issuer) -> Verifier {
    let resource = format!("{base}{}", settings.resource);
    let issuer = issuer(&resource).any_client_id();
    let described = Resource::new(resource).name("Files").scopes([READ, WRITE]);
    let builder = Verifier::builder();
    let builder = match settings.dpop {
        Dpop::Off => builder.issuer(issuer),
        dpop => {
            let mut accepted = DpopSettings::base_url(base);
            if dpop == Dpop::WithNonce {
                accepted = accepted.nonces(DpopNonces::random());
            }
            builder.issuer(issuer.require_dpop()).dpop(accepted)
        }
    };
    builder
        .resource(described)
        .build()
        .expect("the settings are valid")
}

/// What browser clients need, as the guide says.
fn cors() -> CorsLayer {
    let names = |names: &[&'static str]| {
        names
            .iter()
            .map(|name| HeaderName::from_static(name))
            .collect::<Vec<_>>()
    };
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(ORIGIN))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(names(&[
            "authorization",
            "content-type",
            "dpop",
            "last-event-id",
            "mcp-method",
            "mcp-name",
            "mcp-protocol-version",
            "mcp-session-id",
        ]))
        .expose_headers(names(&["www-authenticate", "mcp-session-id", "dpop-nonce"]))
}

/// A request and its response.
#[derive(Clone, Debug)]
pub struct Hit {
    pub method: String,
    pub path: String,
    /// The JSON-RPC method, and the name of the tool.
    pub call: String,
    /// The scheme of the credentials, or nothing.
    pub scheme: String,
    /// Whether the DPoP proof has a nonce.
    pub nonce: bool,
    pub status: u16,
    pub challenges: Vec<String>,
}

/// `POST /mcp tools/call read_file 200`
impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if !self.call.is_empty() {
            write!(f, " {}", self.call)?;
        }
        write!(f, " {}", self.status)
    }
}

#[derive(Clone, Default)]
struct Record(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    hits: Vec<Hit>,
    tokens: Vec<String>,
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn recorded(State(record): State<Record>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24)
        .await
        .unwrap_or_default();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let call = format!(
        "{} {}",
        text(&json["method"]),
        text(&json["params"]["name"])
    );
    let credentials = credentials(&parts.headers);
    let nonce = parts.headers.get("dpop").is_some_and(has_nonce);
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    if let Some((_, token)) = &credentials {
        record.lock().tokens.push(token.clone());
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
    record.lock().hits.push(Hit {
        method,
        path,
        call: call.trim().to_owned(),
        scheme: credentials.map(|(scheme, _)| scheme).unwrap_or_default(),
        nonce,
        status: response.status().as_u16(),
        challenges: challenges
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
            .collect(),
    });
    response
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    Some((scheme.to_owned(), token.to_owned()))
}

fn has_nonce(proof: &HeaderValue) -> bool {
    let payload = proof
        .to_str()
        .ok()
        .and_then(|proof| proof.split('.').nth(1));
    let payload = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    payload
        .and_then(|payload| serde_json::from_slice::<Value>(&payload).ok())
        .is_some_and(|claims| claims["nonce"].is_string())
}

/// Returns what all crates of this process have logged, at the finest level.
fn log() -> &'static Mutex<String> {
    static LOG: OnceLock<&'static Mutex<String>> = OnceLock::new();
    LOG.get_or_init(|| {
        let log: &'static Mutex<String> = Box::leak(Box::default());
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || Writer(log))
            .init();
        log
    })
}

struct Writer(&'static Mutex<String>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
