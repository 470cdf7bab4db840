//! [`McpError`]: why a request to an MCP server is rejected before the policies of what it calls are checked.

/// What is wrong with the body of a request to an MCP server, or with the header fields that describe the body.
///
/// The texts are fixed, and never repeat a part of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum McpError {
    #[error("the body is not one JSON value in UTF-8")]
    Json,
    #[error("the body is nested deeper than 128 levels")]
    TooDeep,
    #[error("the body did not arrive in full")]
    Incomplete,
    #[error("the body has a content coding, or a charset other than UTF-8")]
    Encoding,
    #[error(
        "a message has no JSON-RPC form: it is not an object, or method, params, name or uri has the wrong type or is missing"
    )]
    Message,
    #[error("the body is an empty batch, or a batch with protocol version 2026-07-28 or later")]
    Batch,
    #[error("a message has method, params, name or uri twice")]
    DuplicateMember,
    #[error(
        "a message has a member that some servers read as method, params, name or uri, such as Method or __proto__"
    )]
    SimilarMember,
    #[error("a member has a name that serde_json reserves")]
    ReservedMember,
    #[error("MCP-Protocol-Version is repeated or is not a date")]
    ProtocolVersion,
    #[error("Mcp-Method does not agree with the body, or is missing or repeated")]
    McpMethod,
    #[error("Mcp-Name does not agree with the body, or is missing, repeated or malformed")]
    McpName,
    #[error("Mcp-Session-Id is repeated or malformed")]
    SessionId,
}

impl McpError {
    /// Returns a stable code for logs, such as `duplicate_member`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::TooDeep => "too_deep",
            Self::Incomplete => "incomplete",
            Self::Encoding => "encoding",
            Self::Message => "message",
            Self::Batch => "batch",
            Self::DuplicateMember => "duplicate_member",
            Self::SimilarMember => "similar_member",
            Self::ReservedMember => "reserved_member",
            Self::ProtocolVersion => "protocol_version",
            Self::McpMethod => "mcp_method",
            Self::McpName => "mcp_name",
            Self::SessionId => "mcp_session_id",
        }
    }

    /// Returns whether the header fields are wrong, and not the body.
    pub(crate) const fn is_of_headers(self) -> bool {
        matches!(
            self,
            Self::ProtocolVersion | Self::McpMethod | Self::McpName | Self::SessionId
        )
    }
}
