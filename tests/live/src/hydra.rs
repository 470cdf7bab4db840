//! An Ory Hydra server and its admin interface.

use std::fs;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::http::{self, Answer};
use crate::process::{LIMIT, Process, servers, within};

/// The secret of every client.
pub const CLIENT_SECRET: &str = "secret-of-every-test-client";
/// A scope that every client may request.
pub const SCOPE: &str = "orders.read";

/// The format of a client's access tokens.
#[derive(Clone, Copy)]
pub enum Format {
    Jwt,
    Opaque,
}

/// A Hydra server with an empty database in memory.
pub struct Hydra {
    public: String,
    admin: String,
    client: Client,
    process: Process,
}

impl Hydra {
    /// Returns the server that all tests of this program share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Hydra> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Duration::from_secs(300)))
    }

    /// Starts a server on free ports of 127.0.0.1, and waits until it is ready. Tokens are valid for `lifetime`.
    pub fn start(lifetime: Duration) -> Self {
        let [public_port, admin_port] = free_ports();
        let [public, admin] =
            [public_port, admin_port].map(|port| format!("http://127.0.0.1:{port}"));
        let serve = |port: u16| json!({ "host": "127.0.0.1", "port": port });
        // JSON is YAML too.
        let settings = json!({
            "dsn": "memory",
            "serve": { "public": serve(public_port), "admin": serve(admin_port) },
            "urls": { "self": { "issuer": format!("{public}/") } },
            "strategies": { "access_token": "jwt" },
            "ttl": { "access_token": format!("{}s", lifetime.as_secs()) },
            "secrets": { "system": ["a system secret of 32 characters"] },
            "sqa": { "opt_out": true },
        });
        let path = servers().join(format!("hydra-{public_port}.yml"));
        fs::write(&path, settings.to_string()).expect("the settings are written");
        let arguments = ["serve", "all", "--dev", "--config"].map(str::to_owned);
        let arguments = [&arguments[..], &[path.display().to_string()]].concat();
        let program = servers().join("hydra/hydra");
        let (process, ()) = Process::start("hydra", &program, &arguments, &[], |_| Some(()));
        let client = http::client();
        within(LIMIT, "Hydra is ready", || {
            let answer = client.get(format!("{admin}/health/ready")).send();
            answer
                .is_ok_and(|answer| answer.status() == 200)
                .then_some(())
        });
        let _ = fs::remove_file(path);
        let server = Self {
            public,
            admin,
            client,
            process,
        };
        // The first request creates an RSA key of 4096 bits, which takes longer than a verifier waits on a busy machine.
        server.key_set();
        server.process.report_ready();
        server
    }

    /// Returns the issuer of the tokens. It ends with a slash.
    pub fn issuer(&self) -> String {
        format!("{}/", self.public)
    }

    /// Returns the introspection endpoint, which is not in the metadata.
    pub fn introspection_endpoint(&self) -> String {
        format!("{}/admin/oauth2/introspect", self.admin)
    }

    /// Adds a client that may request tokens for `audience`.
    pub fn add_client(&self, client_id: &str, audience: &str, format: Format) {
        let client = json!({
            "client_id": client_id, "client_secret": CLIENT_SECRET, "grant_types": ["client_credentials"],
            "scope": SCOPE, "audience": [audience], "token_endpoint_auth_method": "client_secret_basic",
            "access_token_strategy": match format { Format::Jwt => "jwt", Format::Opaque => "opaque" },
        });
        self.admin(Method::POST, "clients", &client);
    }

    /// Adds a key that signs access tokens from now on.
    pub fn add_key(&self, algorithm: &str) {
        let key = json!({ "alg": algorithm, "kid": "", "use": "sig" });
        self.admin(Method::POST, "keys/hydra.jwt.access-token", &key);
    }

    /// Requests a token of the client itself with further parameters.
    pub fn token(&self, client_id: &str, form: &[(&str, &str)]) -> String {
        let mut all = vec![("grant_type", "client_credentials"), ("scope", SCOPE)];
        all.extend(form);
        let request = self.client.post(format!("{}/oauth2/token", self.public));
        let request = request
            .basic_auth(client_id, Some(CLIENT_SECRET))
            .form(&all);
        let answer = http::send(request).expect(200, client_id).json();
        answer["access_token"]
            .as_str()
            .expect("an access token")
            .to_owned()
    }

    /// Revokes a token as the client that it was issued to (RFC 7009).
    pub fn revoke(&self, client_id: &str, token: &str) {
        let request = self.client.post(format!("{}/oauth2/revoke", self.public));
        let request = request.basic_auth(client_id, Some(CLIENT_SECRET));
        http::send(request.form(&[("token", token)])).expect(200, "revocation");
    }

    /// Introspects a token without the library.
    pub fn introspect(&self, token: &str) -> Value {
        let request = self.client.post(self.introspection_endpoint());
        http::send(request.form(&[("token", token)]))
            .expect(200, "introspection")
            .json()
    }

    /// Returns the server's metadata as text.
    pub fn metadata(&self) -> String {
        self.public_text(".well-known/openid-configuration")
    }

    /// Returns the server's key set as text.
    pub fn key_set(&self) -> String {
        self.public_text(".well-known/jwks.json")
    }

    fn public_text(&self, path: &str) -> String {
        let request = self.client.get(format!("{}/{path}", self.public));
        http::send(request).expect(200, path).body
    }

    fn admin(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self
            .client
            .request(method, format!("{}/admin/{path}", self.admin));
        let request = request.header("content-type", "application/json");
        http::send(request.body(body.to_string())).expect(201, path)
    }
}

/// Returns two ports on which nothing listens. The server reports no port that it chooses itself.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners
        .each_ref()
        .map(|listener| listener.local_addr().expect("an address").port())
}
