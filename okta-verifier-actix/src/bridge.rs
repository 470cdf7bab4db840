//! actix-web's `http` is another version of the crate than the core's. They meet here and nowhere
//! else, by value: bytes and numbers go across, no types.

use std::{pin::Pin, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    dev::ServiceRequest,
    http::{
        StatusCode, Uri,
        header::{AUTHORIZATION, HeaderName, HeaderValue},
    },
};
use okta_verifier::{Presented, Rejection, VerifiedToken, Verifier};

use crate::Rejected;

/// The one boxed future, of the slow path alone. It owns its inputs, so that the request stays
/// where it is, its payload untouched.
pub(crate) type Authentication = Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>>>>;

/// Whether there is any `Authorization` field at all.
pub(crate) fn has_credentials(request: &ServiceRequest) -> bool {
    request.headers().contains_key(AUTHORIZATION)
}

/// What of a request the verifier looks at, borrowed to decide at once.
pub(crate) fn presented(
    request: &ServiceRequest,
    checked_within: Option<Duration>,
) -> Presented<'_> {
    let authorization = request.headers().get_all(AUTHORIZATION);
    present(authorization, request.uri(), checked_within)
}

/// The same, to outlive the call. Its copies are reference counts: the bytes stay where the server
/// read them.
pub(crate) fn authenticate(
    request: &ServiceRequest,
    verifier: Verifier,
    checked_within: Option<Duration>,
) -> Authentication {
    let values = request.headers().get_all(AUTHORIZATION);
    let authorization: Vec<HeaderValue> = values.cloned().collect();
    let uri = request.uri().clone();
    Box::pin(async move {
        let presented = present(&authorization, &uri, checked_within);
        verifier.authenticate(&presented).await
    })
}

/// Every field line as raw bytes: a repeated or a non-ASCII one is for the verifier to refuse.
fn present<'a>(
    authorization: impl IntoIterator<Item = &'a HeaderValue>,
    uri: &'a Uri,
    checked_within: Option<Duration>,
) -> Presented<'a> {
    let values = authorization.into_iter().map(HeaderValue::as_bytes);
    let presented = Presented::new(values).query(uri.query());
    match checked_within {
        Some(max_age) => presented.checked_within(max_age),
        None => presented,
    }
}

impl ResponseError for Rejected {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.rejection().status().as_u16()).expect(BOTH_KNOW)
    }

    /// An empty body; the [`Rejection`] travels in the response's extensions.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in self.rejection().headers() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect(BOTH_KNOW);
            let value = HeaderValue::from_bytes(value.as_bytes()).expect(BOTH_KNOW);
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(self.rejection().clone());
        response
    }
}

const BOTH_KNOW: &str = "what one version of `http` holds the other accepts";
