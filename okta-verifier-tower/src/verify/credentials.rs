//! What of a request the verifier looks at: borrowed to decide at once, owned to outlive the call.

use std::{net::IpAddr, pin::Pin, time::Duration};

use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Uri, header::AUTHORIZATION};
use okta_verifier::{ClientCertificate, Presented, Rejection, VerifiedToken, Verifier};

/// The one boxed future, of the slow path alone. It owns its inputs, so that it knows neither the
/// service nor the body, and asks nothing of them.
pub(super) type Authentication =
    Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>> + Send>>;

/// What a layer was told about the requests it sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) checked_within: Option<Duration>,
    pub(super) peer: Option<fn(&Extensions) -> Option<IpAddr>>,
    pub(super) original_uri: Option<fn(&Extensions) -> Option<&Uri>>,
}

/// Each set of values is the raw bytes of every field line: a repeated or a non-ASCII one is for the
/// verifier to refuse.
pub(super) fn presented<'a, B>(
    request: &'a Request<B>,
    verifier: &Verifier,
    reading: Reading,
) -> Presented<'a> {
    let (headers, extensions) = (request.headers(), request.extensions());
    let read = Read {
        headers,
        method: request.method(),
        uri: request.uri(),
        original_uri: reading.original_uri.and_then(|read| read(extensions)),
        peer: reading.peer.and_then(|read| read(extensions)),
        certificate: extensions.get(),
    };
    present(read, verifier, reading.checked_within)
}

/// A copy of the same, made of reference counts: the bytes stay where the server read them.
pub(super) struct Credentials {
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    original_uri: Option<Uri>,
    peer: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
    checked_within: Option<Duration>,
}

impl Credentials {
    pub(super) fn of<B>(request: &Request<B>, verifier: &Verifier, reading: Reading) -> Self {
        let extensions = request.extensions();
        let original_uri = reading.original_uri.and_then(|read| read(extensions));
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
            headers,
            method: request.method().clone(),
            uri: request.uri().clone(),
            original_uri: original_uri.cloned(),
            peer: reading.peer.and_then(|read| read(extensions)),
            certificate: extensions.get().cloned(),
            checked_within: reading.checked_within,
        }
    }

    pub(super) fn authenticate(self, verifier: Verifier) -> Authentication {
        Box::pin(async move {
            let read = Read {
                headers: &self.headers,
                method: &self.method,
                uri: &self.uri,
                original_uri: self.original_uri.as_ref(),
                peer: self.peer,
                certificate: self.certificate.as_ref(),
            };
            let presented = present(read, &verifier, self.checked_within);
            verifier.authenticate(&presented).await
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
