//! What of a request the verifier looks at: borrowed to decide at once, owned to outlive the call.

use std::{pin::Pin, time::Duration};

use http::{HeaderValue, Request, Uri, header::AUTHORIZATION};
use okta_verifier::{Presented, Rejection, VerifiedToken, Verifier};

/// The one boxed future, of the slow path alone. It owns its inputs, so that it knows neither the
/// service nor the body, and asks nothing of them.
pub(super) type Authentication =
    Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>> + Send>>;

pub(super) fn presented<B>(
    request: &Request<B>,
    checked_within: Option<Duration>,
) -> Presented<'_> {
    let authorization = request.headers().get_all(AUTHORIZATION);
    present(authorization, request.uri(), checked_within)
}

/// A copy of the same, made of reference counts: the bytes stay where the server read them.
pub(super) struct Credentials {
    authorization: Vec<HeaderValue>,
    uri: Uri,
    checked_within: Option<Duration>,
}

impl Credentials {
    pub(super) fn of<B>(request: &Request<B>, checked_within: Option<Duration>) -> Self {
        Self {
            authorization: request
                .headers()
                .get_all(AUTHORIZATION)
                .iter()
                .cloned()
                .collect(),
            uri: request.uri().clone(),
            checked_within,
        }
    }

    pub(super) fn authenticate(self, verifier: Verifier) -> Authentication {
        Box::pin(async move {
            let presented = present(&self.authorization, &self.uri, self.checked_within);
            verifier.authenticate(&presented).await
        })
    }
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
