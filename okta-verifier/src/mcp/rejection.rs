//! [`McpRejection`]: a rejection with the JSON-RPC error that MCP clients read.

use std::{error::Error, fmt};

use crate::{Rejection, VerifiedToken, error::McpError, http::McpProblem};

/// A [`Rejection`] of a request to an MCP server, with the body of its response: a JSON-RPC error or nothing.
///
/// | rejection | code | status | JSON-RPC error |
/// |---|---|---|---|
/// | the body is not JSON in UTF-8 | `malformed_body` | 400 | -32700 |
/// | the body is not a JSON-RPC message, or servers could read different calls in it | `malformed_body` | 400 | -32600 |
/// | the header fields do not agree with the body, or are malformed | `header_mismatch` | 400 | -32020 |
/// | the body is larger than 4 MiB | `body_too_large` | 413 | none |
/// | the session is unknown or has another owner | `unknown_session` | 404 | -32001, as other servers respond |
/// | the server responded with a session that cannot be bound | `misconfigured_layer` | 500 | none |
/// | no room for another session | `too_many_sessions` | 503, and `Retry-After` | none |
/// | the policy of a tool is not met | as for every policy | 401, 403 | none |
///
/// The texts are fixed. The only part of the request that a body repeats is the `id` of the message, if it was read and
/// has at most 128 bytes. Otherwise the `id` is null (JSON-RPC 2.0 §5).
///
/// ```
/// use http::HeaderMap;
/// use okta_verifier::mcp::{McpCalls, McpRejection};
///
/// assert!(McpCalls::read(&HeaderMap::new(), br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None).is_ok());
///
/// let rejection = McpCalls::read(&HeaderMap::new(), b"{", None).unwrap_err();
/// let (rejection, body) = rejection.into_parts();
/// assert_eq!((rejection.status().as_u16(), rejection.code()), (400, "malformed_body"));
/// assert_eq!(body, br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#);
/// ```
#[derive(Clone, Debug)]
pub struct McpRejection(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    rejection: Rejection,
    body: Vec<u8>,
}

impl McpRejection {
    /// Returns the 413 of a body above [`McpCalls::MAX_BODY`](super::McpCalls::MAX_BODY). The event in the log names
    /// the issuer of the token, if there is one.
    ///
    /// ```
    /// use okta_verifier::mcp::McpRejection;
    ///
    /// let (rejection, body) = McpRejection::body_too_large(None).into_parts();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (413, "body_too_large"));
    /// assert!(body.is_empty());
    /// ```
    #[must_use]
    pub fn body_too_large(token: Option<&VerifiedToken>) -> Self {
        reject(McpProblem::BodyTooLarge, token).into()
    }

    /// Returns the 400 of a body that did not arrive in full, because the connection failed or because an outer layer
    /// limits the body.
    ///
    /// ```
    /// use okta_verifier::mcp::McpRejection;
    ///
    /// let (rejection, body) = McpRejection::incomplete_body(None).into_parts();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (400, "malformed_body"));
    /// assert_eq!(body, br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#);
    /// ```
    #[must_use]
    pub fn incomplete_body(token: Option<&VerifiedToken>) -> Self {
        Self::malformed(McpError::Incomplete, None, token)
    }

    /// Returns the 404 of a session that does not exist or that another caller owns.
    pub(crate) fn unknown_session(token: Option<&VerifiedToken>) -> Self {
        let rejection = reject(McpProblem::UnknownSession, token);
        Self::new(rejection, SESSION_NOT_FOUND.as_bytes().to_vec())
    }

    /// Returns the 503 of a session for which there is no room.
    pub(crate) fn too_many_sessions(token: Option<&VerifiedToken>) -> Self {
        reject(McpProblem::TooManySessions, token).into()
    }

    /// Returns the 500 of a response of the server with a session that cannot be bound to the caller.
    pub(crate) fn unbound_session(token: Option<&VerifiedToken>) -> Self {
        reject(McpProblem::UnboundSession, token).into()
    }

    /// Returns the 400 of a request whose `Mcp-Session-Id` is repeated or malformed.
    pub(crate) fn malformed_session_id(token: Option<&VerifiedToken>) -> Self {
        Self::malformed(McpError::SessionId, None, token)
    }

    /// Returns the 400 of a request that cannot be read. `id` is the JSON text of the message's `id`.
    pub(super) fn malformed(
        error: McpError,
        id: Option<&str>,
        token: Option<&VerifiedToken>,
    ) -> Self {
        let (code, message) = match error {
            McpError::Json | McpError::TooDeep | McpError::Incomplete | McpError::Encoding => {
                (-32700, "Parse error")
            }
            error if error.is_of_headers() => (-32020, "Header mismatch"),
            _ => (-32600, "Invalid Request"),
        };
        let id = id.unwrap_or("null");
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#
        );
        Self::new(
            reject(McpProblem::Malformed(error), token),
            body.into_bytes(),
        )
    }

    fn new(rejection: Rejection, body: Vec<u8>) -> Self {
        Self(Box::new(Parts { rejection, body }))
    }

    /// Returns the rejection and the body of the response. The content type is `application/json` if there is a body.
    #[must_use]
    pub fn into_parts(self) -> (Rejection, Vec<u8>) {
        (self.0.rejection, self.0.body)
    }
}

/// JSON-RPC 2.0 leaves the codes from -32099 to -32000 to implementations. MCP has no code for this error, and servers
/// of the official SDKs use this one.
const SESSION_NOT_FOUND: &str =
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;

/// A rejection by a policy has no body.
impl From<Rejection> for McpRejection {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection, Vec::new())
    }
}

impl fmt::Display for McpRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.rejection.fmt(f)
    }
}

impl Error for McpRejection {}

fn reject(problem: McpProblem, token: Option<&VerifiedToken>) -> Rejection {
    let claims = token.and_then(VerifiedToken::logged_claims);
    Rejection::of_mcp(problem, token.map(VerifiedToken::counters), claims.as_ref())
}
