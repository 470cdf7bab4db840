//! [`McpRejection`]: a rejection with the JSON-RPC error that MCP clients read.

use crate::Rejection;

/// A [`Rejection`] of a request to an MCP server, with the body of its response: a JSON-RPC error or nothing.
#[derive(Clone, Debug)]
pub struct McpRejection {
    _rejection: Rejection,
}

impl McpRejection {
    /// Returns the 413 of a body above [`McpCalls::MAX_BODY`](super::McpCalls::MAX_BODY).
    #[must_use]
    pub fn body_too_large() -> Self {
        unimplemented!()
    }

    /// Returns the rejection and the body of the response. The content type is `application/json` if there is a body.
    #[must_use]
    pub fn into_parts(self) -> (Rejection, Vec<u8>) {
        unimplemented!()
    }
}

impl From<Rejection> for McpRejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            _rejection: rejection,
        }
    }
}
