//! A Keycloak server and its admin interface.

mod grant;
mod login;
mod realm;
mod registration;
mod signals;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::certificates;
use crate::http::{self, Answer};
use crate::process::{LIMIT, Process, servers, within};

pub use grant::{Grant, Tokens};
pub use realm::{
    API, CLIENT_ROLE, CLIENT_SECRET, PASSWORD, REALM_ROLE, RESOURCE, Realm, SCOPE, audience,
    client, with_attributes,
};
pub use signals::{PORTAL, RECEIVER, Stream};

const ADMIN: &str = "admin";

/// A Keycloak server with an empty database in memory.
pub struct Keycloak {
    http_base: String,
    https_base: String,
    client: Client,
    /// The administrator's token, and when it was requested.
    admin_token: Mutex<Option<(String, Instant)>>,
    _process: Process,
}

impl Keycloak {
    /// Returns the server that all tests of this program share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Keycloak> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server on free ports of 127.0.0.1, with and without TLS, and waits until it is ready.
    pub fn start() -> Self {
        let file = |name: &str| certificates::path(name).display().to_string();
        let arguments = [
            "start".to_owned(),
            "--optimized".to_owned(),
            "--cache=local".to_owned(),
            "--hostname-strict=false".to_owned(),
            "--http-enabled=true".to_owned(),
            "--http-host=127.0.0.1".to_owned(),
            "--http-port=0".to_owned(),
            "--https-port=0".to_owned(),
            format!("--https-certificate-file={}", file("server.crt")),
            format!("--https-certificate-key-file={}", file("server.key")),
            format!("--https-trust-store-file={}", file("ca.crt")),
            "--http-management-port=0".to_owned(),
            "--http-management-scheme=http".to_owned(),
            "--log-level=info,io.smallrye.health:warn".to_owned(),
            // Security events are pushed to receivers without TLS, and what was not delivered is sent again soon.
            "--spi-ssf-transmitter--default--allow-insecure-push-targets=true".to_owned(),
            "--spi-ssf-transmitter--default--outbox-drainer-interval=2s".to_owned(),
        ];
        let variables = [
            ("KC_BOOTSTRAP_ADMIN_USERNAME", ADMIN),
            ("KC_BOOTSTRAP_ADMIN_PASSWORD", ADMIN),
            ("JAVA_OPTS_APPEND", "-XX:TieredStopAtLevel=1"),
        ];
        let program = servers().join("keycloak/bin/kc.sh");
        let (process, [http_base, https_base, management]) =
            Process::start("keycloak", &program, &arguments, &variables, addresses);
        let client = http::client();
        // The server listens long before its first start has finished.
        within(LIMIT, "Keycloak is ready", || {
            let answer = client.get(format!("{management}/health/ready")).send();
            answer
                .is_ok_and(|answer| answer.status() == 200)
                .then_some(())
        });
        process.report_ready();
        Self {
            http_base,
            https_base,
            client,
            admin_token: Mutex::new(None),
            _process: process,
        }
    }

    /// Returns the URL of a path without TLS.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.http_base)
    }

    /// Returns the URL of a path with TLS.
    pub fn https_url(&self, path: &str) -> String {
        format!("{}{path}", self.https_base)
    }

    /// Sends a request to the admin interface. The path follows `/admin/realms`.
    ///
    /// Panics unless the server reports success.
    pub fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let url = self.url(&format!("/admin/realms{path}"));
        let request = self.client.request(method.clone(), url);
        let mut request = request.bearer_auth(self.admin_token());
        if let Some(body) = body {
            let json = request.header("content-type", "application/json");
            request = json.body(body.to_string());
        }
        let answer = http::send(request);
        let (status, text) = (answer.status, &answer.body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}"
        );
        answer
    }

    /// Returns a token of the administrator. The master realm's tokens are valid for a minute.
    fn admin_token(&self) -> String {
        let mut cached = self
            .admin_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((token, requested)) = &*cached
            && requested.elapsed() < Duration::from_secs(30)
        {
            return token.clone();
        }
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", ADMIN),
            ("password", ADMIN),
        ];
        let url = self.url("/realms/master/protocol/openid-connect/token");
        let requested = Instant::now();
        let answer = http::send(self.client.post(url).form(&form)).expect(200, "administrator");
        let token = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        *cached = Some((token.clone(), requested));
        token
    }
}

/// Returns the addresses without TLS, with TLS and of the management interface from a line of the log.
fn addresses(line: &str) -> Option<[String; 3]> {
    let (_, rest) = line.split_once("Listening on: ")?;
    let (clients, management) = rest.split_once(". Management interface listening on ")?;
    let (http, https) = clients.split_once(" and ")?;
    let management = management.trim_end_matches('.');
    Some([http, https, management].map(str::to_owned))
}
