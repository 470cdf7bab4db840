//! [`McpCalls`]: what the body of a request to an MCP server calls.

use std::fmt;

use super::{
    McpRejection, headers,
    message::{Body, Call},
};
use crate::{VerifiedToken, error::McpError, http::HeaderMap};

/// What a POST to an MCP server calls: the JSON-RPC messages of its body.
///
/// The body is read in one pass. The names of tools and prompts and the URIs of resources are borrowed from it, unless
/// they have escapes. [`Tools::admit`](super::Tools::admit) checks the policies of what is called.
///
/// The server parses the body again, and must not read other calls in it. So the request is rejected with 400 if its
/// body
///
/// - is not one JSON value in UTF-8 (RFC 8259 §8.1), has a content coding or another charset, or is nested deeper than
///   128 levels,
/// - has a message that is not an object, or whose `method`, `params`, `name` or `uri` has the wrong type,
/// - has a message with `method`, `params`, `params.name` or `params.uri` twice, also in different escapes, or with a
///   member such as `Method` or `__proto__`, which some servers read as one of them,
/// - has a member whose name begins with `$serde_json::private::`, at any depth,
/// - is an empty batch, or a batch with protocol version 2026-07-28 or later,
/// - has more than 1,000 calls of tools, prompts and resources, or subscriptions.
///
/// With protocol version 2026-07-28 or later, `Mcp-Method` and `Mcp-Name` must agree with the body (MCP 2026-07-28,
/// Streamable HTTP, "Standard MCP Request Headers"). The header fields never decide which policy applies. Before that
/// version they are ignored. `MCP-Protocol-Version` must be a date. A request without it counts as one of an older
/// version, and one with a later date as one of 2026-07-28.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use okta_verifier::mcp::McpCalls;
///
/// let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file"}}"#;
/// let mut headers = HeaderMap::new();
/// assert!(McpCalls::read(&headers, body, None).is_ok());
///
/// assert!(body.len() <= McpCalls::MAX_BODY);
///
/// headers.insert("mcp-protocol-version", HeaderValue::from_static("2026-07-28"));
/// headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
/// headers.insert("mcp-name", HeaderValue::from_static("write_file"));
/// let (rejection, _body) = McpCalls::read(&headers, body, None).unwrap_err().into_parts();
/// assert_eq!((rejection.status().as_u16(), rejection.code()), (400, "header_mismatch"));
///
/// headers.insert("mcp-name", HeaderValue::from_static("=?base64?cmVhZF9maWxl?="));
/// assert!(McpCalls::read(&headers, body, None).is_ok());
/// ```
pub struct McpCalls<'a> {
    /// The call of a single message.
    first: Option<Call<'a>>,
    /// The calls of a batch, or the resources of a subscription.
    others: Vec<Call<'a>>,
    begins_session: bool,
}

impl<'a> McpCalls<'a> {
    /// The maximum size of a body, in bytes: 4 MiB. An adapter checks it before
    /// [`read`](Self::read), and rejects a larger body with
    /// [`McpRejection::body_too_large`].
    pub const MAX_BODY: usize = 4 << 20;

    /// Reads the body of a POST, and compares it with the header fields. The event of a rejection in the log names the
    /// issuer of `token`, if the request has one.
    ///
    /// # Errors
    ///
    /// Returns the 400 to respond with.
    pub fn read(
        headers: &HeaderMap,
        body: &'a [u8],
        token: Option<&VerifiedToken>,
    ) -> Result<Self, McpRejection> {
        let read = headers::check_encoding(headers)
            .map_err(|error| (error, None))
            .and_then(|()| Self::from_body(headers, Body::read(body)?));
        read.map_err(|(error, id)| McpRejection::malformed(error, id, token))
    }

    fn from_body(headers: &HeaderMap, body: Body<'a>) -> Result<Self, (McpError, Option<&'a str>)> {
        let is_modern = headers::is_modern(headers);
        match body {
            Body::One(message) => {
                let id = message.id();
                let with_id = |error| (error, id);
                if is_modern.map_err(with_id)? {
                    headers::check_agreement(headers, &message).map_err(with_id)?;
                }
                let begins_session = message.begins_session();
                let (first, others) = message.into_calls().map_err(with_id)?;
                Ok(Self {
                    first,
                    others,
                    begins_session,
                })
            }
            Body::Batch {
                calls,
                begins_session,
            } => match is_modern {
                Ok(false) => Ok(Self {
                    first: None,
                    others: calls,
                    begins_session,
                }),
                Ok(true) => Err((McpError::Batch, None)),
                Err(error) => Err((error, None)),
            },
        }
    }

    /// Returns whether one of the messages is `initialize`, which can begin a session.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use okta_verifier::mcp::McpCalls;
    ///
    /// let initialize = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
    /// assert!(McpCalls::read(&HeaderMap::new(), initialize, None).unwrap().begins_session());
    /// let list = br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    /// assert!(!McpCalls::read(&HeaderMap::new(), list, None).unwrap().begins_session());
    /// ```
    #[must_use]
    pub fn begins_session(&self) -> bool {
        self.begins_session
    }

    /// Returns the names and the URIs of what is called.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|call| &*call.target)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Call<'a>> {
        self.first.iter().chain(&self.others)
    }
}

/// Shows the number of calls, and nothing of the body.
impl fmt::Debug for McpCalls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpCalls")
            .field("calls", &self.iter().count())
            .field("begins_session", &self.begins_session)
            .finish_non_exhaustive()
    }
}
