//! Conversions between the `http` version of actix-web and that of the core. They exchange bytes and
//! numbers here and nowhere else, never types.

use std::{net::IpAddr, pin::Pin, time::Duration};

use actix_web::{
    HttpMessage, HttpResponse, ResponseError,
    dev::ServiceRequest,
    http::{
        Method, StatusCode, Uri,
        header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    },
};
use okta_verifier::{ClientCertificate, Presented, Rejection, VerifiedToken, Verifier};

use crate::Rejected;

/// A boxed future, which only the slow path needs. It owns its inputs, so that the request and its
/// payload stay untouched.
pub(crate) type Authentication = Pin<Box<dyn Future<Output = Result<VerifiedToken, Rejection>>>>;

/// Returns whether the request has an `Authorization` field.
pub(crate) fn has_credentials(request: &ServiceRequest) -> bool {
    request.headers().contains_key(AUTHORIZATION)
}

/// What the connection says about the client: its address and its certificate.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    peer: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
}

impl Caller {
    /// Reads the certificate from the extensions of the request, or from those of the connection, where
    /// `HttpServer::on_connect` puts it.
    pub(crate) fn of(request: &ServiceRequest) -> Self {
        let certificate = request.extensions().get::<ClientCertificate>().cloned();
        let of_connection = || request.request().conn_data::<ClientCertificate>().cloned();
        Self {
            peer: request.peer_addr().map(|address| address.ip()),
            certificate: certificate.or_else(of_connection),
        }
    }
}

/// Borrows the credentials of a request, to verify them at once. Each set of values has the raw
/// bytes of every field line: rejecting a repeated or a non-ASCII one is up to the verifier.
pub(crate) fn presented<'a>(
    request: &'a ServiceRequest,
    caller: &'a Caller,
    verifier: &Verifier,
    checked_within: Option<Duration>,
) -> Presented<'a> {
    let place = (request.method(), request.uri());
    present(request.headers(), place, caller, verifier, checked_within)
}

/// Authenticates a request in a future that outlives the call. Copying its parts only increments
/// reference counts.
pub(crate) fn authenticate(
    request: &ServiceRequest,
    caller: Caller,
    verifier: Verifier,
    checked_within: Option<Duration>,
) -> Authentication {
    let bound = [
        verifier.dpop_header(),
        verifier.forwarded_header(),
        verifier.client_cert_header(),
    ];
    let names = [Some(AUTHORIZATION.as_str())].into_iter().chain(bound);
    let mut headers = HeaderMap::new();
    for name in names.flatten() {
        for value in request.headers().get_all(name) {
            let name = HeaderName::from_bytes(name.as_bytes()).expect(BOTH_KNOW);
            headers.append(name, value.clone());
        }
    }
    let (method, uri) = (request.method().clone(), request.uri().clone());
    Box::pin(async move {
        let place = (&method, &uri);
        let presented = present(&headers, place, &caller, &verifier, checked_within);
        verifier.authenticate(&presented).await
    })
}

fn present<'a>(
    headers: &'a HeaderMap,
    (method, uri): (&'a Method, &'a Uri),
    caller: &'a Caller,
    verifier: &Verifier,
    checked_within: Option<Duration>,
) -> Presented<'a> {
    let values = |name: &str| headers.get_all(name).map(HeaderValue::as_bytes);
    let mut presented = Presented::new(values(AUTHORIZATION.as_str()))
        .query(uri.query())
        .request(method.as_str(), uri.path());
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
    if let Some(peer) = caller.peer {
        presented = presented.peer(peer);
    }
    if let Some(certificate) = &caller.certificate {
        presented = presented.client_certificate(certificate.der());
    }
    presented
}

/// Returns the headers to add to every response, such as a new DPoP nonce.
pub(crate) fn added(verifier: &Verifier) -> Vec<(HeaderName, HeaderValue)> {
    verifier
        .response_headers()
        .map(|(name, value)| convert(name.as_str(), value.as_bytes()))
        .collect()
}

fn convert(name: &str, value: &[u8]) -> (HeaderName, HeaderValue) {
    let name = HeaderName::from_bytes(name.as_bytes()).expect(BOTH_KNOW);
    (name, HeaderValue::from_bytes(value).expect(BOTH_KNOW))
}

impl ResponseError for Rejected {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.rejection().status().as_u16()).expect(BOTH_KNOW)
    }

    /// Returns an empty body, with the [`Rejection`] in the response's extensions.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in self.rejection().headers() {
            let (name, value) = convert(name.as_str(), value.as_bytes());
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(self.rejection().clone());
        response
    }
}

const BOTH_KNOW: &str = "both versions of `http` accept the same names and values";
