//! A refusal in the form that the caller's protocol reads.

use http::{HeaderMap, Response, header::CONTENT_TYPE};
use okta_verifier::Rejection;

#[derive(Debug)]
pub(crate) struct Refusal {
    rejection: Rejection,
    grpc: bool,
}

impl Refusal {
    pub(crate) fn new(rejection: Rejection, request: &HeaderMap) -> Self {
        Self {
            rejection,
            grpc: is_grpc(request),
        }
    }

    pub(crate) fn into_response<B: Default>(self) -> Response<B> {
        if self.grpc {
            self.rejection.into_grpc_response()
        } else {
            self.rejection.into_response()
        }
    }
}

/// A gRPC client reads `grpc-status` and takes a bare HTTP status for a broken server. What it
/// sends is `application/grpc`, with `+proto` or another format behind it.
fn is_grpc(request: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    request.get(CONTENT_TYPE).is_some_and(|value| {
        let prefix = value.as_bytes().get(..GRPC.len());
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(GRPC))
    })
}
