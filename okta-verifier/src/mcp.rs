//! Policies for the tools, prompts and resources of an MCP server (Model Context Protocol), and sessions that only
//! their owner can use. The layer of `okta-verifier-tower` is an adapter of this module.

mod calls;
mod rejection;
mod sessions;
mod tools;

pub use calls::McpCalls;
pub use rejection::McpRejection;
pub use sessions::{McpSession, McpSessions};
pub use tools::Tools;
