//! The parts of HTTP that do not depend on a framework: the credentials of a request, and the responses to a
//! rejected request and to a request for metadata.

mod anonymous;
mod application;
mod challenge;
mod codes;
mod credentials;
mod event_response;
mod grpc;
#[cfg(feature = "mcp")]
mod mcp;
mod metadata;
mod problem_details;
mod rejection;
mod rejection_event;

#[cfg(test)]
mod tests;

#[cfg(feature = "mcp")]
pub(crate) use ::http::{
    HeaderMap, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
pub(crate) use ::http::{HeaderName, HeaderValue, Response};

pub use anonymous::Anonymous;
pub use application::ApplicationRejection;
pub(crate) use challenge::{Challenges, Remedy, Scheme, is_scope_token};
pub(crate) use codes::CODES;
pub use credentials::RequestCredentials;
pub(crate) use credentials::{
    Credentials, Lines, Malformed, NEITHER_BEARER_NOR_DPOP, NO_FIELD, NOT_BEARER, NOT_ONE_TOKEN,
    OwnedShown, Problem, Shown, is_b64token,
};
pub(crate) use event_response::EventResponse;
#[cfg(feature = "mcp")]
pub(crate) use mcp::McpProblem;
pub(crate) use metadata::metadata_response;
pub use problem_details::ProblemDetails;
pub use rejection::Rejection;
pub(crate) use rejection::{DEFAULT_REALM, nonce_headers, nonce_value};
pub(crate) use rejection_event::logs_rejections;
