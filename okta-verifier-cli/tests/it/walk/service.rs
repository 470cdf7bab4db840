//! A service of axum, and what each of its requests leaves for the operator.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use okta_verifier::{
    ApplicationRejection, Policy, Requirement, Verifier, VerifierBuilder, adapter::Outcome,
    mtls::ClientCertificate, settings::Settings,
};
use okta_verifier_axum::{Claims, Rejected, Verified, VerifyLayer};
use okta_verifier_tower::mcp::{McpLayer, McpSessions, Tools};
use secret_scan::Line;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use tracing::Level;

use crate::process::{self, File, Run};

/// The URL under which the clients know the service.
pub(super) const BASE: &str = "https://api.example.com";

pub(super) struct Service {
    runtime: Runtime,
    verifier: Verifier,
    app: Router,
    outcomes: Outcomes,
    settings: File,
}

/// What the hook `on_outcome` received: name, code and issuer.
type Outcomes = Arc<Mutex<Vec<String>>>;

/// A request: a `POST` if it has a body, otherwise a `GET`.
#[derive(Clone)]
pub(super) struct Request {
    path: &'static str,
    body: Option<String>,
    fields: Vec<(&'static str, String)>,
    certificate: Option<Vec<u8>>,
}

/// What one request left.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) challenges: Vec<String>,
    /// The lines of a usual configuration: warnings, errors, and the events about rejections.
    pub(super) lines: Vec<Line>,
    /// What the hook received.
    pub(super) outcomes: Vec<String>,
    /// The counters of rejected requests: issuer, code and count.
    pub(super) counters: Vec<(Option<String>, &'static str, u64)>,
}

macro_rules! requirement {
    ($($name:ident: $policy:expr;)*) => {$(
        struct $name;

        impl Requirement for $name {
            const POLICY: Policy = $policy;
        }
    )*};
}

requirement! {
    WriteOrders: Policy::scope("orders:write");
    Admins: Policy::group("Admins");
    RecentLogin: Policy::max_age(Duration::from_secs(300));
    Bound: Policy::bound();
}

/// The claims that a handler reads. No token has them.
#[derive(Deserialize)]
struct Employee {
    department: String,
}

const ORDER_CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");

async fn close(token: Verified) -> Rejected {
    token.reject(ORDER_CLOSED).into()
}

fn layer(verifier: &Verifier, outcomes: &Outcomes) -> VerifyLayer {
    let outcomes = outcomes.clone();
    VerifyLayer::new(verifier.clone())
        .peer(|extensions| extensions.get::<IpAddr>().copied())
        .on_outcome(move |outcome, _| {
            let line = match outcome {
                Outcome::Rejected(rejection) => {
                    format!("rejected {} {:?}", rejection.code(), rejection.issuer())
                }
                _ => outcome.name().to_owned(),
            };
            outcomes.lock().unwrap().push(line);
        })
}

fn app(verifier: &Verifier, outcomes: &Outcomes) -> Router {
    // The verifier has no such resource.
    let misconfigured = layer(verifier, outcomes).resource("https://mcp.example.com/files");
    Router::new()
        .route("/orders", get(async |_: Verified| "orders"))
        .route("/orders/write", get(async |_: Verified<WriteOrders>| ""))
        .route("/orders/close", get(close))
        .route("/admin", get(async |_: Verified<Admins>| ""))
        .route("/payments", get(async |_: Verified<RecentLogin>| ""))
        .route("/keys", get(async |_: Verified<Bound>| ""))
        .route(
            "/desk",
            get(async |Claims(it): Claims<Employee>| it.department),
        )
        .route_layer(layer(verifier, outcomes))
        .route("/files", get(async || "").layer(misconfigured))
        .merge(mcp_server("/mcp", McpSessions::new()).route_layer(layer(verifier, outcomes)))
        .merge(
            mcp_server("/mcp/full", McpSessions::new().max_sessions(0))
                .route_layer(layer(verifier, outcomes)),
        )
        // Added after the layer, so that no layer verifies its tokens.
        .route("/forgotten", get(async |_: Verified| ""))
}

/// Returns an MCP server with this store of sessions. No request reaches it.
fn mcp_server(path: &str, sessions: McpSessions) -> Router {
    let mcp = McpLayer::new(Tools::new(Policy::any_token())).sessions(sessions);
    Router::new()
        .route(path, post(async || ""))
        .route_layer(mcp)
}

impl Service {
    /// Starts the service that has these settings.
    pub(super) fn new(settings: &str) -> Self {
        Self::with(settings, |builder| builder)
    }

    /// Starts the service, with settings that exist in code only.
    pub(super) fn with(
        settings: &str,
        further: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Self {
        secret_scan::public(BASE);
        let read = Settings::read(toml::Deserializer::parse(settings).unwrap()).unwrap();
        let verifier = further(read.builder().unwrap()).build().unwrap();
        let outcomes = Outcomes::default();
        Self {
            // Of one thread, so that every line that a request causes is one of this thread.
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            app: app(&verifier, &outcomes),
            verifier,
            outcomes,
            settings: File::new(settings),
        }
    }

    /// Fetches the keys, whatever comes of it. Returns the lines of a usual configuration.
    pub(super) fn refresh(&self) -> Vec<Line> {
        let lines = secret_scan::logged(|| {
            let _ = self.runtime.block_on(self.verifier.refresh());
        });
        usual(lines)
    }

    pub(super) fn send(&self, request: &Request) -> Seen {
        let mut response = None;
        let lines = secret_scan::logged(|| {
            let sent = self.app.clone().oneshot(request.to_http());
            response = Some(self.runtime.block_on(sent).unwrap());
        });
        let response = response.unwrap();
        let challenges = response.headers().get_all("www-authenticate").iter();
        let stats = self.verifier.stats();
        let rejected = stats.requests().filter(|it| it.outcome == "rejected");
        let counters =
            rejected.map(|it| (it.issuer.map(str::to_owned), it.code.unwrap(), it.count));
        let seen = Seen {
            status: response.status().as_u16(),
            challenges: challenges
                .map(|it| it.to_str().unwrap().to_owned())
                .collect(),
            lines: usual(lines),
            outcomes: std::mem::take(&mut *self.outcomes.lock().unwrap()),
            counters: counters.collect(),
        };
        secret_scan::shown(format!("{:?}{:?}", seen.challenges, seen.counters));
        seen
    }

    /// Runs `okta-verifier explain` with the settings of the service.
    pub(super) fn explain(&self, token: &str) -> Run {
        self.command("explain", token)
    }

    /// Runs `okta-verifier doctor` with the settings of the service.
    pub(super) fn doctor(&self) -> Run {
        self.command("doctor", "")
    }

    fn command(&self, name: &str, input: &str) -> Run {
        let run = process::run(&[name, "--settings", self.settings.path()], &[], input);
        run.assert_shows_no_part_of(input);
        secret_scan::shown(&run.stdout);
        secret_scan::shown(&run.stderr);
        run
    }
}

/// Selects the lines of `RUST_LOG=warn,okta_verifier::rejected=debug`.
fn usual(mut lines: Vec<Line>) -> Vec<Line> {
    lines.retain(|line| {
        let is_rejection = line.target == "okta_verifier::rejected" && line.level <= Level::DEBUG;
        line.target.starts_with("okta_verifier") && (is_rejection || line.level <= Level::WARN)
    });
    lines
}

/// Returns whether the line has this field, with the value as tracing shows it.
pub(super) fn has(line: &Line, name: &str, value: impl fmt::Debug) -> bool {
    format!(" {}", line.text).contains(&format!(" {name}={value:?} "))
}

/// Returns the line as a subscriber shows it.
pub(super) fn shown(line: &Line) -> String {
    let text = line.text.replacen("message=", "", 1);
    format!("{} {}: {}", line.level, line.target, text.trim_end())
}

impl Request {
    pub(super) fn to(path: &'static str) -> Self {
        Self {
            path,
            body: None,
            fields: Vec::new(),
            certificate: None,
        }
    }

    pub(super) fn bearer(token: &str) -> Self {
        Self::to("/orders").authorized(format!("Bearer {token}"))
    }

    pub(super) fn dpop(token: &str, proof: &str) -> Self {
        let authorized = Self::to("/orders").authorized(format!("DPoP {token}"));
        authorized.field("DPoP", proof)
    }

    pub(super) fn authorized(self, value: impl Into<String>) -> Self {
        self.field("Authorization", value)
    }

    pub(super) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(super) fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    pub(super) fn certificate(mut self, der: &[u8]) -> Self {
        self.certificate = Some(der.to_vec());
        self
    }

    pub(super) fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn method(&self) -> &'static str {
        match self.body {
            Some(_) => "POST",
            None => "GET",
        }
    }

    fn to_http(&self) -> http::Request<Body> {
        let mut request = http::Request::builder()
            .method(self.method())
            .uri(self.path);
        for (name, value) in &self.fields {
            request = request.header(*name, value);
        }
        let body = self.body.clone().map_or_else(Body::empty, Body::from);
        let mut request = request.body(body).unwrap();
        let peer: IpAddr = [127, 0, 0, 1].into();
        request.extensions_mut().insert(peer);
        if let Some(der) = &self.certificate {
            let certificate = ClientCertificate::new(der);
            request.extensions_mut().insert(certificate);
        }
        request
    }
}

/// Shows the request without the values of its fields.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.path)?;
        for (name, value) in &self.fields {
            match value.split_once(' ') {
                Some((scheme, rest)) if !rest.is_empty() => {
                    write!(f, "\n          {name}: {scheme} <{} bytes>", rest.len())?;
                }
                _ => write!(f, "\n          {name}: <{} bytes>", value.len())?,
            }
        }
        if let Some(body) = &self.body {
            write!(f, "\n          with a body of {} bytes", body.len())?;
        }
        match &self.certificate {
            Some(_) => f.write_str("\n          with a client certificate"),
            None => Ok(()),
        }
    }
}
