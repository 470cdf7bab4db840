//! What of a request the verifier looks at: borrowed to decide at once, owned to outlive the call.

use std::{net::IpAddr, pin::Pin, time::Duration};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header::AUTHORIZATION};
use okta_verifier::{ClientCertificate, Presented, Rejection, VerifiedToken, Verifier};

use super::VerifyLayer;

/// The one boxed future, of the slow path alone. It owns its inputs, so that it knows neither the
/// service nor the body, and asks nothing of them.
pub(super) type Authentication =
    Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>> + Send>>;

/// Each set of values is the raw bytes of every field line: a repeated or a non-ASCII one is for the
/// verifier to refuse.
pub(super) fn presented<'a, B>(request: &'a Request<B>, layer: &VerifyLayer) -> Presented<'a> {
    let (headers, extensions) = (request.headers(), request.extensions());
    let read = Read {
        headers,
        method: request.method(),
        uri: request.uri(),
        original_uri: layer.original_uri.and_then(|read| read(extensions)),
        peer: layer.peer.and_then(|read| read(extensions)),
        certificate: extensions.get(),
    };
    present(read, &layer.verifier, layer.checked_within)
}

/// A copy of the same, made of reference counts: the bytes stay where the server read them.
pub(super) struct Credentials {
    verifier: Verifier,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    original_uri: Option<Uri>,
    peer: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
    checked_within: Option<Duration>,
}

impl Credentials {
    pub(super) fn of<B>(request: &Request<B>, layer: &VerifyLayer) -> Self {
        let (verifier, extensions) = (&layer.verifier, request.extensions());
        let original_uri = layer.original_uri.and_then(|read| read(extensions));
        let mut headers = HeaderMap::new();
        let bound = [
            verifier.dpop_header(),
            verifier.forwarded_header(),
            verifier.client_cert_header(),
        ];
        for name in [Some(AUTHORIZATION.as_str())]
            .into_iter()
            .chain(bound)
            .flatten()
        {
            copy(request.headers(), name, &mut headers);
        }
        Self {
            verifier: verifier.clone(),
            headers,
            method: request.method().clone(),
            uri: request.uri().clone(),
            original_uri: original_uri.cloned(),
            peer: layer.peer.and_then(|read| read(extensions)),
            certificate: extensions.get().cloned(),
            checked_within: layer.checked_within,
        }
    }

    pub(super) fn authenticate(self) -> Authentication {
        Box::pin(async move {
            let read = Read {
                headers: &self.headers,
                method: &self.method,
                uri: &self.uri,
                original_uri: self.original_uri.as_ref(),
                peer: self.peer,
                certificate: self.certificate.as_ref(),
            };
            let presented = present(read, &self.verifier, self.checked_within);
            self.verifier.authenticate(&presented).await
        })
    }
}

fn copy(from: &HeaderMap, name: &str, to: &mut HeaderMap) {
    let Ok(name) = http::HeaderName::try_from(name) else {
        return;
    };
    for value in from.get_all(&name) {
        to.append(name.clone(), value.clone());
    }
}

struct Read<'a> {
    headers: &'a HeaderMap,
    method: &'a Method,
    uri: &'a Uri,
    original_uri: Option<&'a Uri>,
    peer: Option<IpAddr>,
    certificate: Option<&'a ClientCertificate>,
}

fn present<'a>(
    read: Read<'a>,
    verifier: &Verifier,
    checked_within: Option<Duration>,
) -> Presented<'a> {
    let headers = read.headers;
    let values = |name: &str| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let authorization = headers.get_all(AUTHORIZATION).iter();
    let mut presented = Presented::new(authorization.map(HeaderValue::as_bytes))
        .query(read.uri.query())
        .request(
            read.method.as_str(),
            read.original_uri.unwrap_or(read.uri).path(),
        );
    if let Some(max_age) = checked_within {
        presented = presented.checked_within(max_age);
    }
    if let Some(name) = verifier.dpop_header() {
        presented = presented.dpop(values(name));
    }
    if let Some(name) = verifier.forwarded_header() {
        presented = presented.forwarded(values(name));
    }
    if let Some(name) = verifier.client_cert_header() {
        presented = presented.client_cert(values(name));
    }
    if let Some(peer) = read.peer {
        presented = presented.peer(peer);
    }
    if let Some(certificate) = read.certificate {
        presented = presented.client_certificate(certificate.der());
    }
    presented
}
