//! The response to a request for the metadata of a protected resource (RFC 9728 §3.2).

use http::{
    HeaderValue, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ALLOW, CACHE_CONTROL, CONTENT_TYPE,
    },
};

/// Returns the response to a request for the metadata. `document` writes the document, and is called only if
/// the response needs it.
///
/// Scripts of any origin may read the metadata, because it is public and the same for everyone.
pub(crate) fn metadata_response(
    method: &str,
    requested_headers: Option<&[u8]>,
    max_age: u16,
    document: impl FnOnce() -> String,
) -> Response<String> {
    let mut response = Response::new(String::new());
    match method {
        "GET" | "HEAD" => {
            // The server leaves the body of a response to HEAD out, and keeps its length (RFC 9110 §9.3.2).
            *response.body_mut() = document();
            let cache_control = format!("public, max-age={max_age}");
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers
                .extend(HeaderValue::try_from(cache_control).map(|value| (CACHE_CONTROL, value)));
        }
        "OPTIONS" => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(
                ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static(METHODS),
            );
            let requested = requested_headers.filter(|bytes| is_header_list(bytes));
            if let Some(Ok(requested)) = requested.map(HeaderValue::from_bytes) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested);
            }
        }
        _ => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(METHODS));
        }
    }
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Returns whether the bytes are a list of header names that a browser may send in a preflight.
fn is_header_list(bytes: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_, ".contains(byte);
    bytes.len() <= MAX_HEADER_LIST && bytes.iter().all(is_allowed)
}

const METHODS: &str = "GET, HEAD, OPTIONS";
/// The maximum size of a list of header names that is sent back.
const MAX_HEADER_LIST: usize = 1024;
