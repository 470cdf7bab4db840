//! `Refusal`: a rejection that is sent as an ordinary HTTP response or as a gRPC response.

use http::{
    HeaderName, Method, Request, Response, Version,
    header::{CONTENT_TYPE, TE},
};
use okta_verifier::Rejection;

#[derive(Debug)]
pub(crate) struct Refusal {
    rejection: Rejection,
    grpc: bool,
}

impl Refusal {
    /// Creates the rejection of `request`. `grpc` says whether the layer may respond in gRPC form.
    pub(crate) fn new<B>(rejection: Rejection, grpc: bool, request: &Request<B>) -> Self {
        Self {
            rejection,
            grpc: grpc && is_grpc(request),
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

/// Returns whether the request has every mark of a gRPC request: `POST` over HTTP/2, one
/// `content-type` of gRPC, and `te: trailers`.
///
/// A gRPC rejection is an HTTP 200, which a forward-auth proxy treats as permission. Such a proxy may
/// forward the client's method and content type, but not `TE`: the field applies to one connection only,
/// and an intermediary should remove it (RFC 9110 §7.6.1, §10.1.4).
fn is_grpc<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST
        && request.version() == Version::HTTP_2
        && only_value(request, &CONTENT_TYPE).is_some_and(is_grpc_type)
        // RFC 9113 §8.2.2: over HTTP/2, `trailers` is the only value that `TE` may have.
        && only_value(request, &TE).is_some_and(|value| value == b"trailers")
}

/// Returns the value of a field, or `None` unless the request has exactly one line of this field.
fn only_value<'a, B>(request: &'a Request<B>, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = request.headers().get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first.as_bytes())
}

/// Returns whether the media type is `application/grpc`, alone or followed by a suffix such as `+proto` or
/// by parameters. `application/grpc-web` is another protocol.
fn is_grpc_type(value: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    value
        .split_at_checked(GRPC.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
        })
}
