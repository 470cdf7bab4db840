//! [`McpCalls`]: what the body of a request to an MCP server calls.

use http::HeaderMap;

use super::McpRejection;

/// What a POST to an MCP server calls: the JSON-RPC messages of its body.
#[derive(Debug)]
pub struct McpCalls<'a> {
    _body: &'a [u8],
}

impl<'a> McpCalls<'a> {
    /// The maximum size of a body, in bytes: 4 MiB.
    pub const MAX_BODY: usize = 4 << 20;

    /// Reads the body of a POST, and compares it with the header fields.
    ///
    /// # Errors
    ///
    /// Returns the 400 to respond with.
    pub fn read(_headers: &HeaderMap, _body: &'a [u8]) -> Result<Self, McpRejection> {
        unimplemented!()
    }

    /// Returns whether one of the messages is `initialize`, which can begin a session.
    #[must_use]
    pub fn begins_session(&self) -> bool {
        unimplemented!()
    }
}
