//! A refusal in the form that the caller's protocol reads.

use http::{Method, Request, Response, Version, header::CONTENT_TYPE};
use okta_verifier::Rejection;

#[derive(Debug)]
pub(crate) struct Refusal {
    rejection: Rejection,
    grpc: bool,
}

impl Refusal {
    pub(crate) fn new<B>(rejection: Rejection, request: &Request<B>) -> Self {
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
/// sends is `POST` over HTTP/2 with `application/grpc`, or that with `+proto` or parameters behind.
///
/// All three must hold: the refusal is an HTTP 200, and whoever asks with a header that a caller
/// chose, as a proxy's authentication request does, must not take it for a yes.
fn is_grpc<B>(request: &Request<B>) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let is_grpc = |value: &[u8]| {
        value
            .split_at_checked(GRPC.len())
            .is_some_and(|(start, rest)| {
                start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
            })
    };
    request.method() == Method::POST
        && request.version() == Version::HTTP_2
        && request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| is_grpc(value.as_bytes()))
}
