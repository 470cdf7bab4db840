//! Policies for the tools, prompts and resources of an MCP server (Model Context Protocol), and sessions that only
//! their owner can use. `McpLayer` of `okta-verifier-tower` is an adapter of this module.
//!
//! The layer that verifies tokens is outside and has checked its own policy. An adapter then does the following with
//! each POST, in this order, and forwards the body byte for byte:
//!
//! 1. It reads the body, at most [`McpCalls::MAX_BODY`] bytes, and otherwise responds with
//!    [`McpRejection::body_too_large`].
//! 2. It calls [`McpCalls::read`].
//! 3. It calls [`McpSessions::begin`], if the sessions are bound.
//! 4. It calls [`Tools::admit`].
//! 5. It calls [`McpSession::complete`] with the response, before the client gets it.
//!
//! Requests with other methods have no body that calls anything. Their sessions are bound too.
//!
//! ```
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier::{Policy, VerifiedToken, adapter::Anonymous, mcp::{McpCalls, McpRejection, Tools}};
//!
//! fn admit(tools: &Tools, request: &http::Request<Vec<u8>>) -> Result<(), McpRejection> {
//!     let (body, extensions) = (request.body(), request.extensions());
//!     let token = extensions.get::<VerifiedToken>();
//!     if body.len() > McpCalls::MAX_BODY {
//!         return Err(McpRejection::body_too_large(token));
//!     }
//!     let calls = McpCalls::read(request.headers(), body, token)?;
//!     tools.admit(&calls, token, extensions.get::<Anonymous>())
//! }
//!
//! # let okta = TestIssuer::new("https://mcp.example.com/mcp");
//! # let verifier = okta_verifier::Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! let tools = Tools::public().tool("write_file", Policy::scope("files:write"));
//! let call = |name: &str| {
//!     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
//!     let mut request = http::Request::post("/mcp").body(body.into_bytes()).expect("a request");
//!     request.extensions_mut().insert(verifier.anonymous()); // an optional layer does this
//!     admit(&tools, &request).map_err(|rejection| rejection.into_parts().0.status().as_u16())
//! };
//! assert_eq!(call("read_file"), Ok(()));
//! assert_eq!(call("write_file"), Err(401));
//! # Ok::<(), okta_verifier::ConfigError>(())
//! ```

mod calls;
mod headers;
mod message;
mod rejection;
mod resource_uri;
mod sessions;
mod tools;

#[cfg(test)]
mod tests;

pub use calls::McpCalls;
pub use rejection::McpRejection;
#[cfg(any(test, fuzzing))]
pub(crate) use resource_uri::is_normal;
pub use sessions::{McpSession, McpSessions};
pub use tools::Tools;
