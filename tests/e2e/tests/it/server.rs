//! The authorization server of `as/`, its token endpoint and its test controls.

use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ureq::Agent;

use crate::process::Process;

pub(crate) const AUDIENCE: &str = "api://default";
/// The client that the API trusts.
pub(crate) const CLIENT: &str = "0oaclient1";
pub(crate) const CLIENT_SECRET: &str = "secret1-secret1-secret1";
pub(crate) const DEFAULT: &str = "/oauth2/default";
pub(crate) const TENANT_B: &str = "/oauth2/tenant-b";

pub(crate) struct AuthorizationServer {
    base: String,
    plain: String,
    pub(crate) http: Agent,
    _process: Process,
}

impl AuthorizationServer {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the server with environment variables of `as/okta-shaped-as.mjs`.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new("node");
        command
            .arg("okta-shaped-as.mjs")
            .current_dir("as")
            .env("PORT", "0");
        command.envs(settings.iter().copied());
        let (process, (base, plain)) =
            Process::start("authorization server", &mut command, |line| {
                let line: Value = serde_json::from_str(line).ok()?;
                let url = |name| line[name].as_str().map(str::to_owned);
                Some((url("base")?, url("plain")?))
            });
        Self {
            base,
            plain,
            http: http_client(),
            _process: process,
        }
    }

    /// Returns the common prefix of the issuer URLs, which is also the issuer of the org server.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the URL of a path, always without TLS.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.plain)
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}{DEFAULT}", self.base)
    }

    // ---- tokens that the server issues ----

    /// Returns a service's token of the trusted client.
    pub(crate) fn token(&self, scope: &str) -> String {
        self.token_for(&[("scope", scope)])
    }

    /// Returns a service's token, requested with more parameters.
    pub(crate) fn token_for(&self, form: &[(&str, &str)]) -> String {
        let answer = self.request_token(&format!("{DEFAULT}/v1/token"), &[], form);
        access_token(&answer)
    }

    /// Sends a client credentials request of the trusted client; `form` may override its parameters.
    pub(crate) fn request_token(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Value {
        let mut all = vec![("grant_type", "client_credentials")];
        all.retain(|(name, _)| form.iter().all(|(other, _)| name != other));
        all.extend(form);
        let mut request = self.http.post(self.url(path));
        if form.iter().all(|(name, _)| *name != "client_secret") {
            let credentials = STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}"));
            request = request.header("authorization", format!("Basic {credentials}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        json_of(request.send_form(all))
    }

    // ---- tokens that only the test controls can make ----

    /// Signs with the key for `header.alg` (RS256 by default).
    pub(crate) fn sign(&self, header: Value, payload: &Value) -> String {
        self.sign_at(DEFAULT, &json!({ "header": header, "payload": payload }))
    }

    /// Signs `what`, which is `{header, payload[, kid][, secret]}` as in as/README.md.
    pub(crate) fn sign_at(&self, issuer: &str, what: &Value) -> String {
        let request = self
            .http
            .post(self.url("/__admin/sign"))
            .query("issuer", issuer);
        let answer = json_of(request.send(what.to_string()));
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("cannot sign {what}: {answer}"))
            .to_owned()
    }

    /// Returns the claims of a token in Okta's shape that the API accepts.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "ver": 1, "jti": "AT.signed-by-hand", "iss": self.issuer(), "aud": AUDIENCE, "sub": CLIENT,
            "cid": CLIENT, "scp": ["orders:read"], "iat": now(), "exp": now() + 600,
        })
    }

    /// Returns a token that is valid except for its kid and its signature.
    pub(crate) fn with_unknown_key(&self, kid: &str) -> String {
        let header = part(&json!({ "alg": "RS256", "kid": kid }));
        format!("{header}.{}.{}", part(&self.claims()), "A".repeat(342))
    }

    /// Pushes what `what` describes, as in as/README.md. Returns the status and the body of the receiver's response.
    pub(crate) fn push(&self, what: &Value) -> (u64, String) {
        let request = self.http.post(self.url("/__admin/push"));
        let answer = json_of(request.send(what.to_string()));
        let (status, body) = (answer["status"].as_u64(), answer["body"].as_str());
        match (status, body) {
            (Some(status), Some(body)) => (status, body.to_owned()),
            _ => panic!("cannot push {what}: {answer}"),
        }
    }

    // ---- test controls ----

    pub(crate) fn set(&self, name: &str, value: &str) {
        json_of(self.admin("set").query(name, value).call());
    }

    pub(crate) fn rotate(&self, mode: &str) {
        json_of(self.admin("rotate").query("mode", mode).call());
    }

    pub(crate) fn withdraw(&self, kid: &str) {
        json_of(self.admin("withdraw").query("kid", kid).call());
    }

    /// Injects a fault until `heal`.
    pub(crate) fn fault(&self, on: &str, mode: &str) {
        json_of(
            self.admin("fault")
                .query("on", on)
                .query("mode", mode)
                .call(),
        );
    }

    pub(crate) fn fault_once(&self, on: &str, mode: &str) {
        json_of(
            self.admin("fault")
                .query("on", on)
                .query("mode", mode)
                .query("count", "1")
                .call(),
        );
    }

    pub(crate) fn heal(&self) {
        json_of(self.admin("fault").call());
    }

    /// Returns how often `kind` (keys, discovery, token, introspect, other) was requested since the last call.
    pub(crate) fn take_hits(&self, kind: &str) -> u64 {
        let hits = json_of(self.admin("hits").query("reset", "1").call());
        hits[kind].as_u64().unwrap_or(0)
    }

    /// Returns what clients that register themselves requested since the last call, in order.
    pub(crate) fn take_requests(&self) -> Vec<Value> {
        let requests = json_of(self.admin("requests").call());
        requests.as_array().expect("a list").clone()
    }

    pub(crate) fn public_keys(&self, issuer: &str) -> Vec<Value> {
        let keys = json_of(self.http.get(self.url(&format!("{issuer}/v1/keys"))).call());
        keys["keys"].as_array().expect("a JWKS").clone()
    }

    /// Returns the key that signs with `alg`.
    pub(crate) fn public_key(&self, issuer: &str, alg: &str) -> Value {
        let keys = self.public_keys(issuer);
        keys.into_iter()
            .find(|key| key["alg"] == alg)
            .unwrap_or_else(|| panic!("the issuer has no {alg} key"))
    }

    /// Returns the key of the client `0oapkjwt`: its ID, and PKCS #8 in PEM.
    pub(crate) fn client_key(&self) -> (String, String) {
        let info = json_of(self.admin("info").call());
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (
            text(&info["privateKeyJwtClient"]["kid"]),
            text(&info["privateKeyJwtPem"]),
        )
    }

    /// Revokes a token as the client that it was issued to (RFC 7009).
    pub(crate) fn revoke(&self, issuer: &str, token: &str) {
        let credentials = STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}"));
        let request = self.http.post(self.url(&format!("{issuer}/v1/revoke")));
        let request = request.header("authorization", format!("Basic {credentials}"));
        let answer = request.send_form([("token", token)]);
        assert_eq!(answer.expect("the server responds").status(), 200);
    }

    fn admin(&self, what: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        self.http.get(self.url(&format!("/__admin/{what}")))
    }
}

pub(crate) fn access_token(answer: &Value) -> String {
    answer["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("the response has no token: {answer}"))
        .to_owned()
}

pub(crate) fn http_client() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// Returns one part of a compact JWS.
pub(crate) fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// Returns the header and the claims of a token.
pub(crate) fn decode(token: &str) -> (Value, Value) {
    let part = |index| {
        let text = token.split('.').nth(index).expect("three parts");
        let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    (part(0), part(1))
}

fn json_of(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let text = response
        .expect("the server responds")
        .body_mut()
        .read_to_string()
        .expect("text");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
