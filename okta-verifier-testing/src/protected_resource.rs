//! Checks of a protected resource (RFC 9728) or an MCP server over HTTP, whatever library it uses.
//!
//! [`assert_protected_resource`] sends requests to a running server, and compares the responses with a table: the
//! metadata, the challenges, the tokens that must be rejected, DPoP, and for an [`McpServer`] the scopes of tools,
//! bodies that a server and its layers may read differently, the routing headers, and the owners of sessions.
//!
//! Each [`Row`] says how strongly which standard demands it ([`Level`]), and what follows from a failure
//! ([`Severity`]). A server that deviates for a good reason [allows](ProtectedResource::allow) the row.
//!
//! ```
//! use okta_verifier_testing::{ProtectedResource, TestIssuer, protected_resource::check_protected_resource};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let okta = TestIssuer::new("https://mcp.example.com/mcp");
//! let resource = ProtectedResource::new("https://mcp.example.com/mcp").test_issuer(&okta);
//! let report = check_protected_resource("http://127.0.0.1:1", resource).await; // no server listens there
//! assert!(!report.is_conformant());
//! # }
//! ```

mod challenge;
mod exchange;
mod mcp_server;
mod probe;
mod report;
mod rows;
mod settings;
mod token_request;

use crate::conformance::Address;

pub use mcp_server::McpServer;
use probe::Probe;
pub use report::{Level, ResourceReport, Row, Severity};
pub use settings::ProtectedResource;
pub use token_request::TokenRequest;

/// Checks the server at `base_url`, and panics with each row that failed: the request, what was expected and what was
/// received. Tokens are left out. Returns the report otherwise.
///
/// `base_url` is where the server listens, such as `http://127.0.0.1:3000`; `resource` is what clients know. The
/// requests have the `Host` of the resource, as behind a proxy that keeps it, unless [`ProtectedResource::host`] sets
/// another one. Each request and tool that `resource` names is really sent and called: do not run this against data
/// that matters.
///
/// How the server verifies tokens is checked for one defect of each kind only;
/// [`assert_conformant`](crate::assert_conformant) checks that in depth. What only the server itself can see is not
/// checked, such as whether the metadata is served while the issuer is down, and whether a token is passed on.
///
/// # Panics
///
/// Panics if a row fails that is not [allowed](ProtectedResource::allow) to, if an allowance is not needed, if the
/// resource has no issuer, or if `base_url` is not an `http` URL with a port and without a path.
///
/// ```no_run
/// # async fn start_my_server(_: &okta_verifier_testing::TestIssuer) -> String { String::new() }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{McpServer, ProtectedResource, TestIssuer, assert_protected_resource};
///
/// let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let base_url = start_my_server(&okta).await; // such as http://127.0.0.1:3000
///
/// let server = McpServer::new(["2025-11-25", "2026-07-28"]).tool("write_file", ["files:write"]);
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp")
///     .test_issuer(&okta)
///     .scopes(["files:read"])
///     .mcp(server);
/// let report = assert_protected_resource(&base_url, resource).await;
/// assert!(report.passed() > 60);
/// println!("{report}");
/// # }
/// ```
///
/// The text of a failure:
///
/// ```text
/// 51 passed, 1 failed, 0 allowed, 38 skipped
/// - challenge: that of a 401 names the scopes of the resource (SHOULD, MCP; RFC 6750 §3; interoperability)
///     request:  GET /files
///     expected: scope="files:read"
///     received: 401, WWW-Authenticate: Bearer realm="api"
/// ```
pub async fn assert_protected_resource(
    base_url: &str,
    resource: ProtectedResource,
) -> ResourceReport {
    check_protected_resource(base_url, resource).await.assert()
}

/// Checks the server at `base_url` like [`assert_protected_resource`], and returns the report in any case. It displays as
/// a table.
///
/// # Panics
///
/// Panics if the resource has no issuer, or if `base_url` is not an `http` URL with a port and without a path.
///
/// ```
/// use okta_verifier_testing::{ProtectedResource, TestIssuer, protected_resource::check_protected_resource};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp").test_issuer(&okta);
/// let report = check_protected_resource("http://127.0.0.1:1", resource).await; // no server listens there
/// assert!(!report.is_conformant());
/// println!("{report}");
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn check_protected_resource(
    base_url: &str,
    resource: ProtectedResource,
) -> ResourceReport {
    let Address { authority, prefix } = Address::parse(base_url);
    assert!(
        prefix.is_empty(),
        "the base URL {base_url} has a path; write the origin of the server, such as http://127.0.0.1:PORT"
    );
    let probe = Probe::new(&resource, authority).await;
    let mut report = ResourceReport::new(resource.allowances.clone());
    rows::run(&probe, &mut report).await;
    report
}
