//! [`Tools`]: the policies of the tools, prompts and resources of an MCP server.

use super::{McpCalls, McpRejection};
use crate::{OwnedPolicy, VerifiedToken, adapter::Anonymous};

/// The policies of the tools, prompts and resources of an MCP server.
#[derive(Clone, Debug)]
pub struct Tools {}

impl Tools {
    /// Returns a table whose unlisted tools, prompts and resources require `policy`.
    pub fn new(_policy: impl Into<OwnedPolicy>) -> Self {
        unimplemented!()
    }

    /// Returns a table that rejects unlisted tools, prompts and resources.
    #[must_use]
    pub fn closed() -> Self {
        unimplemented!()
    }

    /// Requires `policy` for the tool with this name.
    #[must_use]
    pub fn tool(self, _name: impl Into<String>, _policy: impl Into<OwnedPolicy>) -> Self {
        unimplemented!()
    }

    /// Requires `policy` for the prompt with this name.
    #[must_use]
    pub fn prompt(self, _name: impl Into<String>, _policy: impl Into<OwnedPolicy>) -> Self {
        unimplemented!()
    }

    /// Requires `policy` for each resource whose URI begins with `prefix`. The longest prefix decides.
    #[must_use]
    pub fn resource(self, _prefix: impl Into<String>, _policy: impl Into<OwnedPolicy>) -> Self {
        unimplemented!()
    }

    /// Checks that the caller may make each of the calls.
    ///
    /// # Errors
    ///
    /// Returns the rejection to respond with: the 403 of a token, the 401 of an anonymous caller, or the 500 if
    /// there is no layer in front that verifies tokens.
    pub fn admit(
        &self,
        _calls: &McpCalls<'_>,
        _token: Option<&VerifiedToken>,
        _anonymous: Option<&Anonymous>,
    ) -> Result<(), McpRejection> {
        unimplemented!()
    }
}
