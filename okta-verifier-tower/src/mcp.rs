//! `McpLayer` and its service, which protect the tools, prompts, resources and sessions of an MCP server (Model Context
//! Protocol). They need the feature `mcp`.
//!
//! [`McpLayer`] goes inside the layer that verifies tokens, and around the MCP server:
//!
//! ```text
//! VerifyLayer   401, and the 403 of the floor
//! McpLayer      413 and 400 of the body, 404 of the session, 403 of the tool
//! the server    rmcp's StreamableHttpService, or any other tower service
//! ```
//!
//! A request that one of the layers rejects does not reach the server.
//!
//! ```
//! # use std::convert::Infallible;
//! # use bytes::Bytes;
//! # use http::{Request, Response};
//! # use http_body_util::Full;
//! # use okta_verifier::{Policy, Verifier};
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier_tower::{VerifyLayer, mcp::{McpLayer, Tools}};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("https://mcp.example.com/mcp");
//! # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! const WRITE: Policy = Policy::scope("files:write");
//!
//! let tools = Tools::new(Policy::scope("files:read"))
//!     .tool("write_file", WRITE)
//!     .prompt("rewrite", WRITE)
//!     .resource("file:///drafts/", WRITE);
//! let service = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(verifier))
//!     .layer(McpLayer::new(tools))
//!     .service_fn(async |_| {
//!         // An MCP server, which begins a session.
//!         let response = Response::builder().header("mcp-session-id", "1868a90c");
//!         Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).expect("a response"))
//!     });
//!
//! let post = |subject: &str, session: Option<&str>, method: &str| {
//!     let mut request = Request::post("/mcp");
//!     if let Some(session) = session {
//!         request = request.header("mcp-session-id", session);
//!     }
//!     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
//!     let bearer = format!("Bearer {}", okta.token(subject).scope("files:read").sign());
//!     request.header("authorization", bearer).body(Full::<Bytes>::from(body))
//! };
//! let begun = service.clone().oneshot(post("ada", None, "initialize")?).await?;
//! assert_eq!(begun.headers()["mcp-session-id"], "1868a90c");
//!
//! // Only ada can use the session, whatever other tokens are valid.
//! let owner = service.clone().oneshot(post("ada", Some("1868a90c"), "tools/list")?).await?;
//! assert_eq!(owner.status(), 200);
//! let stranger = service.oneshot(post("bob", Some("1868a90c"), "tools/list")?).await?;
//! assert_eq!(stranger.status(), 404);
//! # Ok(())
//! # }
//! ```

mod body;
mod future;
mod layer;
mod read_body;
mod service;

pub use self::{
    body::{McpRequestBody, McpResponseBody},
    future::McpFuture,
    layer::McpLayer,
    service::McpService,
};
pub use okta_verifier::mcp::{McpSessions, Tools};
