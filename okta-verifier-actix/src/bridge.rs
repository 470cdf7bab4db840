//! Conversions between the version of `http` that actix-web uses and the version that `okta-verifier`
//! uses. Only bytes and numbers are exchanged between the two versions, and only here.

use std::{net::IpAddr, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, EitherBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE,
            HeaderName, HeaderValue,
        },
    },
};
use okta_verifier::{
    ProblemDetails, Rejection, Verifier,
    adapter::RequestCredentials,
    mtls::ClientCertificate,
    revocation::{Revocations, Signal},
};

use crate::Rejected;

/// Returns whether the request has an `Authorization` field.
pub(crate) fn has_credentials(request: &ServiceRequest) -> bool {
    request.headers().contains_key(AUTHORIZATION)
}

/// The peer's IP address and client certificate.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    peer: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
}

impl Connection {
    /// Reads the peer's IP address and its client certificate. The certificate comes from the
    /// request's extensions, or else from the connection's data, where `HttpServer::on_connect` puts
    /// it.
    pub(crate) fn of(request: &ServiceRequest) -> Self {
        let certificate = request.extensions().get::<ClientCertificate>().cloned();
        let of_connection = || request.request().conn_data::<ClientCertificate>().cloned();
        Self {
            peer: request.peer_addr().map(|address| address.ip()),
            certificate: certificate.or_else(of_connection),
        }
    }
}

/// Returns the credentials of a request, with the raw bytes of every field line. The verifier decides
/// about repeated and non-ASCII lines.
pub(crate) fn credentials<'a>(
    request: &'a ServiceRequest,
    connection: &'a Connection,
    verifier: &Verifier,
    max_introspection_age: Option<Duration>,
    expired_as_anonymous: bool,
) -> RequestCredentials<'a> {
    let (headers, uri) = (request.headers(), request.uri());
    let authorization = headers.get_all(AUTHORIZATION);
    let mut credentials = RequestCredentials::new(authorization.map(HeaderValue::as_bytes));
    credentials = credentials.query(uri.query());
    if let Some(max_age) = max_introspection_age {
        credentials = credentials.max_introspection_age(max_age);
    }
    if expired_as_anonymous {
        credentials = credentials.expired_as_anonymous();
    }
    if !verifier.accepts_bound_tokens() {
        return credentials;
    }
    credentials = credentials.request(request.method().as_str(), uri.path());
    credentials = verifier.read_sender_headers(credentials, |name| {
        headers.get_all(name).map(HeaderValue::as_bytes)
    });
    if let Some(peer) = connection.peer {
        credentials = credentials.peer(peer);
    }
    if let Some(certificate) = &connection.certificate {
        credentials = credentials.client_certificate(certificate.der());
    }
    credentials
}

/// Removes the credentials of a request that was authenticated, if the middleware says so.
pub(crate) fn strip(request: &mut ServiceRequest, strip_credentials: bool) {
    if strip_credentials {
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        headers.remove("dpop");
    }
}

/// Converts a response of `okta-verifier`. A macro, because this crate does not depend on its version of `http`.
macro_rules! response {
    ($response:expr) => {{
        let status = StatusCode::from_u16($response.status().as_u16()).expect(BOTH_KNOW);
        let mut response = HttpResponse::new(status);
        for (name, value) in $response.headers() {
            let (name, value) = convert(name.as_str(), value.as_bytes());
            response.headers_mut().append(name, value);
        }
        // actix-web removes the body of the response to `HEAD`, and sends its length.
        response.set_body(BoxBody::new($response.into_body()))
    }};
}

/// Returns the response to a request for the metadata of a resource, or `None` if the path is not that of one.
pub(crate) fn metadata(request: &HttpRequest, verifier: &Verifier) -> Option<HttpResponse> {
    let requested = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
    let requested = requested.map(HeaderValue::as_bytes);
    let (method, path) = (request.method().as_str(), request.uri().path());
    let metadata = verifier.resource_metadata(method, path, requested)?;
    Some(response!(metadata))
}

/// Returns the response to a request of a sender of this signal.
pub(crate) async fn receive<F>(
    revocations: &Revocations,
    signal: Signal,
    request: &HttpRequest,
    read_body: impl FnOnce(usize) -> F,
) -> HttpResponse
where
    F: Future<Output: AsRef<[u8]>>,
{
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let method = request.method().as_str();
    let response = revocations.receive(signal, method, fields, read_body).await;
    response!(response)
}

/// Returns the headers to add to every response, such as a new DPoP nonce.
pub(crate) fn added(verifier: &Verifier) -> Vec<(HeaderName, HeaderValue)> {
    verifier
        .response_headers()
        .map(|(name, value)| convert(name.as_str(), value.as_bytes()))
        .collect()
}

/// Writes the body into a rejection. Any other response stays as it is.
pub(crate) fn with_body<B>(
    response: ServiceResponse<B>,
    details: &ProblemDetails,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status().as_u16();
    let rejection = response.response().extensions().get::<Rejection>().cloned();
    let is_bare = |rejection: &Rejection| {
        ProblemDetails::is_bare(rejection, status, |name| {
            response.headers().contains_key(name)
        })
    };
    let Some(rejection) = rejection.filter(is_bare) else {
        return response.map_into_left_body();
    };
    let text = details.body(&rejection);
    // actix-web removes the body of the response to `HEAD`, and sends its length.
    let mut response = response.map_body(|_, _| EitherBody::right(BoxBody::new(text)));
    let content_type = HeaderValue::from_bytes(details.content_type().as_bytes());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.expect(BOTH_KNOW));
    headers.remove(CONTENT_LENGTH); // that of the empty body
    response
}

fn convert(name: &str, value: &[u8]) -> (HeaderName, HeaderValue) {
    let name = HeaderName::from_bytes(name.as_bytes()).expect(BOTH_KNOW);
    (name, HeaderValue::from_bytes(value).expect(BOTH_KNOW))
}

impl ResponseError for Rejected {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.rejection().status().as_u16()).expect(BOTH_KNOW)
    }

    /// Returns a response with an empty body and with the [`Rejection`] in its extensions.
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
