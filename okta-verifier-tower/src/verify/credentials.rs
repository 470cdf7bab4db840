//! Collects the credentials of a request for the verifier.

use http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION};
use okta_verifier::{adapter::RequestCredentials, mtls::ClientCertificate};

use super::layer::Settings;

/// Returns the credentials of a request, with the raw bytes of every field line. The verifier decides
/// about repeated and non-ASCII lines.
pub(super) fn credentials<'r, B>(
    request: &'r Request<B>,
    settings: &'r Settings,
) -> RequestCredentials<'r> {
    let (headers, uri, extensions) = (request.headers(), request.uri(), request.extensions());
    let authorization = headers.get_all(AUTHORIZATION).iter();
    let mut credentials = RequestCredentials::new(authorization.map(HeaderValue::as_bytes));
    credentials = credentials.query(uri.query());
    if let Some(max_age) = settings.max_introspection_age {
        credentials = credentials.max_introspection_age(max_age);
    }
    if settings.optional && settings.expired_as_anonymous {
        credentials = credentials.expired_as_anonymous();
    }
    let verifier = settings.mount.verifier();
    if !verifier.accepts_bound_tokens() {
        return credentials;
    }
    let original_uri = settings.original_uri.and_then(|read| read(extensions));
    let path = original_uri.unwrap_or(uri).path();
    credentials = credentials.request(request.method().as_str(), path);
    credentials = verifier.read_sender_headers(credentials, |name| {
        headers.get_all(name).iter().map(HeaderValue::as_bytes)
    });
    if let Some(peer) = settings.peer.and_then(|read| read(extensions)) {
        credentials = credentials.peer(peer);
    }
    if let Some(certificate) = extensions.get::<ClientCertificate>() {
        credentials = credentials.client_certificate(certificate.der());
    }
    credentials
}

/// Removes the credentials of a request that was authenticated, if the layer says so.
pub(super) fn strip(headers: &mut HeaderMap, settings: &Settings) {
    if settings.strip_credentials {
        headers.remove(AUTHORIZATION);
        headers.remove("dpop");
    }
}
