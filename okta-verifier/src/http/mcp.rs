//! The rejections of requests to an MCP server that are not about the token. None of them has a challenge, because
//! another token would not help.

use std::{fmt, sync::Arc};

use http::StatusCode;

use super::{
    Rejection,
    codes::{
        BODY_TOO_LARGE, HEADER_MISMATCH, MALFORMED_BODY, MISCONFIGURED_LAYER, TOO_MANY_SESSIONS,
        UNKNOWN_SESSION,
    },
};
use crate::{error::McpError, stats::IssuerCounters, token::logged_claims::LoggedClaims};

/// What is wrong with a request to an MCP server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum McpProblem {
    Malformed(McpError),
    BodyTooLarge,
    UnknownSession,
    TooManySessions,
    /// The server behind the layer responded with a session that cannot be bound to the caller.
    UnboundSession,
}

impl Rejection {
    /// Returns the rejection of a request to an MCP server. The issuer and the claims are those of the token, if the
    /// request has one.
    pub(crate) fn of_mcp(
        problem: McpProblem,
        issuer: Option<&Arc<IssuerCounters>>,
        claims: Option<&LoggedClaims>,
    ) -> Self {
        let (status, code) = match problem {
            McpProblem::Malformed(error) if error.is_of_headers() => {
                (StatusCode::BAD_REQUEST, HEADER_MISMATCH)
            }
            McpProblem::Malformed(_) => (StatusCode::BAD_REQUEST, MALFORMED_BODY),
            McpProblem::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, BODY_TOO_LARGE),
            McpProblem::UnknownSession => (StatusCode::NOT_FOUND, UNKNOWN_SESSION),
            McpProblem::TooManySessions => (StatusCode::SERVICE_UNAVAILABLE, TOO_MANY_SESSIONS),
            McpProblem::UnboundSession => (StatusCode::INTERNAL_SERVER_ERROR, MISCONFIGURED_LAYER),
        };
        let retry_after = matches!(problem, McpProblem::TooManySessions).then_some(1);
        let rejection = Self::without_challenge(status, code, retry_after, issuer.cloned());
        rejection.logged_with_code(problem.reason_code(), problem, claims)
    }
}

impl McpProblem {
    fn reason_code(self) -> Option<&'static str> {
        match self {
            Self::Malformed(error) => Some(error.code()),
            Self::BodyTooLarge
            | Self::UnknownSession
            | Self::TooManySessions
            | Self::UnboundSession => None,
        }
    }
}

impl fmt::Display for McpProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::BodyTooLarge => f.write_str("the body is larger than 4 MiB"),
            Self::UnknownSession => {
                f.write_str("the session does not exist, has expired or belongs to another caller")
            }
            Self::TooManySessions => f.write_str("the session store is full; retry shortly"),
            Self::UnboundSession => f.write_str(
                "the MCP server responded with a session that cannot be bound to the caller",
            ),
        }
    }
}
