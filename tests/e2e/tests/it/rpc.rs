//! The gRPC example: a server, and its own client as a separate process per call.

use std::process::Command;

use crate::api::{Api, Expected};
use crate::process::program;
use crate::server::AuthorizationServer;

const EXAMPLE: &str = "grpc-orders";

pub(crate) struct Rpc(Api);

impl Rpc {
    /// Starts the example. It trusts one client of the server's default issuer.
    pub(crate) fn of(server: &AuthorizationServer) -> Self {
        Self(Api::start(EXAMPLE, server, &[]))
    }

    /// Makes one call of `method`: health, me, orders or admin.
    pub(crate) fn call(&self, method: &str, token: Option<&str>) -> Reply {
        let output = Command::new(program(EXAMPLE))
            .args(["client", &self.0.url(""), method])
            .args(token)
            .output()
            .expect("a process");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let code = output.status.code().expect("the client has an exit code");
        let mut lines = said.lines().map(str::to_owned);
        assert_eq!(lines.next(), Some(format!("grpc-status: {code}")), "{said}");
        Reply {
            code,
            lines: lines.collect(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: i32,
    /// The lines that the client printed below the code: the message or the relevant headers.
    lines: Vec<String>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn is_accepted(&self, what: &str) {
        assert_eq!(self.code, 0, "{what}: {self:?}");
    }

    /// Asserts the gRPC code of the status, the same challenges, and no other lines.
    #[track_caller]
    pub(crate) fn is(&self, (status, challenges): Expected, what: &str) {
        let code = if status == 403 { 7 } else { 16 };
        assert_eq!(self.code, code, "{what}: {self:?}");
        let expected: Vec<_> = challenges
            .iter()
            .map(|challenge| format!("www-authenticate: {challenge}"))
            .collect();
        assert_eq!(self.lines, expected, "{what}");
    }

    /// Asserts code 14 with `retry-after` and without a challenge.
    #[track_caller]
    pub(crate) fn is_unavailable(&self, what: &str) {
        assert_eq!(self.code, 14, "{what}: {self:?}");
        let [line] = &self.lines[..] else {
            panic!("{what}: {self:?}")
        };
        let seconds = line.strip_prefix("retry-after: ");
        let seconds: Option<u64> = seconds.and_then(|value| value.parse().ok());
        assert!(
            seconds.is_some_and(|seconds| (1..=120).contains(&seconds)),
            "{what}: {self:?}"
        );
    }
}
