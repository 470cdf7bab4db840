//! An example as a resource server of the authorization server, and its responses.

use std::process::Command;
use std::time::Duration;

use ureq::Agent;
use ureq::http::HeaderMap;

use crate::process::{Process, program, within};
use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, http_client};

/// Starts the authorization server, and the quickstart as its resource server.
pub(crate) fn start() -> (AuthorizationServer, Api) {
    let server = AuthorizationServer::start();
    let api = Api::of(&server);
    (server, api)
}

pub(crate) struct Api {
    base: String,
    http: Agent,
    _process: Process,
}

impl Api {
    /// Starts the quickstart. It trusts one client of the server's default issuer.
    pub(crate) fn of(server: &AuthorizationServer) -> Self {
        Self::with(server, &[])
    }

    /// Starts the quickstart with more environment variables.
    pub(crate) fn with(server: &AuthorizationServer, settings: &[(&str, &str)]) -> Self {
        Self::start("quickstart", server, settings)
    }

    /// Starts any of the examples.
    pub(crate) fn start(
        example: &'static str,
        server: &AuthorizationServer,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program(example));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
            command.env_remove(name);
        }
        command
            .env("OKTA_ISSUER", server.issuer())
            .env("OKTA_AUDIENCE", AUDIENCE)
            .env("OKTA_CLIENT_IDS", CLIENT)
            .env("PORT", "0")
            .envs(settings.iter().copied());
        let (process, base) = Process::start(example, &mut command, |line| {
            Some(line.split_once("listening on ")?.1.trim().to_owned())
        });
        Self {
            base,
            http: http_client(),
            _process: process,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends GET with `Authorization: Bearer TOKEN`.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.send(path, &[&format!("Bearer {token}")])
    }

    /// Sends GET with these `Authorization` field lines.
    pub(crate) fn send(&self, path: &str, authorization: &[&str]) -> Answer {
        let mut request = self.http.get(self.url(path));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let mut response = request.call().expect("the API responds");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_string().expect("text"),
        }
    }

    /// Returns the first response to the token that is not 503.
    #[track_caller]
    pub(crate) fn settled(&self, limit: Duration, token: &str, what: &str) -> Answer {
        within(limit, what, || {
            let answer = self.get("/me", token);
            if answer.status == 503 {
                answer.is_unavailable(what);
                return None;
            }
            Some(answer)
        })
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// An expected rejection, byte by byte: the status and each `WWW-Authenticate` field line.
pub(crate) type Expected = (u16, &'static [&'static str]);

pub(crate) const NO_CREDENTIALS: Expected = (401, &[r#"Bearer realm="api""#]);
pub(crate) const MALFORMED: Expected = (
    400,
    &[
        r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#,
    ],
);
pub(crate) const INVALID_TOKEN: Expected = (
    401,
    &[
        r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#,
    ],
);
pub(crate) const LACKS_ORDERS_READ: Expected = (
    403,
    &[
        r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read""#,
    ],
);
pub(crate) const FORBIDDEN: Expected = (403, &[]);
const UNAVAILABLE: Expected = (503, &[]);

impl Answer {
    /// Asserts 200 without any header of the layer: the example's handlers set none of these.
    #[track_caller]
    pub(crate) fn is_accepted(&self, what: &str) {
        assert_eq!(self.status, 200, "{what}: {self:?}");
        for header in ["www-authenticate", "cache-control", "pragma", "set-cookie"] {
            assert_eq!(self.header(header), None, "{what}");
        }
    }

    /// Asserts the status, the challenges, `no-store` and an empty body.
    #[track_caller]
    pub(crate) fn is(&self, (status, challenges): Expected, what: &str) {
        let lines = self.headers.get_all("www-authenticate").iter();
        let lines: Vec<_> = lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        assert_eq!(self.status, status, "{what}: {self:?}");
        assert_eq!(lines, challenges, "{what}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(self.body, "", "{what}");
    }

    /// Asserts a 503 with `Retry-After` and without a challenge.
    #[track_caller]
    pub(crate) fn is_unavailable(&self, what: &str) {
        self.is(UNAVAILABLE, what);
        let seconds: Option<u64> = self
            .header("retry-after")
            .and_then(|value| value.parse().ok());
        assert!(
            seconds.is_some_and(|seconds| (1..=120).contains(&seconds)),
            "{what}: {self:?}"
        );
    }

    /// Asserts 401, or 503 while the keys are unavailable, but never 200.
    #[track_caller]
    pub(crate) fn is_rejected_or_unavailable(&self, what: &str) {
        if self.status == 503 {
            self.is_unavailable(what);
        } else {
            self.is(INVALID_TOKEN, what);
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
