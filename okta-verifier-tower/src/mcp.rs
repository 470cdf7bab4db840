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
