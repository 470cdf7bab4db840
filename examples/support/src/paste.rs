//! Requests as lines to paste into a shell, with the expected status.

use std::net::SocketAddr;

/// The client that a printed line runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paste<'a> {
    Curl,
    /// The `client` subcommand of this example, so that no other gRPC client is needed.
    GrpcClient(&'a str),
}

impl Paste<'_> {
    pub(crate) fn title(self, path: &str) -> String {
        match self {
            Self::Curl => format!("GET {path}"),
            Self::GrpcClient(_) => method(path).to_owned(),
        }
    }

    pub(crate) fn line(self, api: SocketAddr, path: &str, token: Option<&str>) -> String {
        match self {
            Self::Curl => {
                let header = token.map(authorization).unwrap_or_default();
                format!("curl -i {header}http://{api}{path}")
            }
            Self::GrpcClient(example) => {
                let method = method(path);
                let token = token.map(|token| format!(" {token}")).unwrap_or_default();
                format!("cargo run -q -p {example} -- client http://{api} {method}{token}")
            }
        }
    }

    /// Returns the expected HTTP status, or the corresponding gRPC status.
    pub(crate) fn expectation(self, status: u16) -> u16 {
        match (self, status) {
            (Self::Curl, _) => status,
            (Self::GrpcClient(_), 200) => 0,
            (Self::GrpcClient(_), 403) => 7,
            (Self::GrpcClient(_), 503) => 14,
            (Self::GrpcClient(_), _) => 16,
        }
    }
}

/// Returns the name of the method as the example's client spells it.
fn method(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// Returns the `-H` option. A shell expands a variable only in double quotes.
fn authorization(token: &str) -> String {
    let quote = if token.starts_with('$') { '"' } else { '\'' };
    format!("-H {quote}Authorization: Bearer {token}{quote} ")
}
