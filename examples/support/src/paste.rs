//! A request as a line to paste into a shell, and what it is answered with.

use std::net::SocketAddr;

/// Whom the line starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paste<'a> {
    Curl,
    /// The example of this name, which is its own client: a new machine has no other.
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

    /// The status over HTTP, or what gRPC says in its place.
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

/// What the example's client calls it.
fn method(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// A shell fills a variable in between double quotes only.
fn authorization(token: &str) -> String {
    let quote = if token.starts_with('$') { '"' } else { '\'' };
    format!("-H {quote}Authorization: Bearer {token}{quote} ")
}
