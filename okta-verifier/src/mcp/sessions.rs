//! [`McpSessions`]: the sessions of an MCP server, each with its owner.

use crate::{VerifiedToken, adapter::Anonymous};

/// The sessions of an MCP server, each bound to the issuer, the subject and the client of the token that began it.
#[derive(Clone, Debug)]
pub struct McpSessions {}

/// The place of a session that has not begun yet.
#[derive(Debug)]
pub struct SessionReservation {}

impl McpSessions {
    /// Checks that the caller owns the session with this id.
    ///
    /// # Errors
    ///
    /// Returns the 404 to respond with.
    pub fn check(
        &self,
        _id: &[u8],
        _token: Option<&VerifiedToken>,
        _anonymous: Option<&Anonymous>,
    ) -> Result<(), super::McpRejection> {
        unimplemented!()
    }
}
