//! The response to a rejected gRPC request: trailers only, with a `grpc-status`.

use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::Rejection;

impl Rejection {
    /// Returns the gRPC status code: 16 (unauthenticated), 7 (permission denied), 14 (unavailable), or 13
    /// (internal) if no layer in front of the handler verifies tokens. A rejection by the application with
    /// another status has 3 (invalid argument) for 400, 5 (not found) for 404, 10 (aborted) for 409, 8
    /// (resource exhausted) for 429, or else 9 (failed precondition).
    #[must_use]
    pub fn grpc_status(&self) -> u8 {
        match self.status() {
            StatusCode::FORBIDDEN => 7,
            StatusCode::SERVICE_UNAVAILABLE => 14,
            StatusCode::INTERNAL_SERVER_ERROR => 13,
            _ if !self.is_application() => 16,
            StatusCode::BAD_REQUEST => 3,
            StatusCode::NOT_FOUND => 5,
            StatusCode::CONFLICT => 10,
            StatusCode::TOO_MANY_REQUESTS => 8,
            _ => 9,
        }
    }

    /// Returns the rejection as a gRPC response with trailers only: HTTP 200 with `grpc-status` among the
    /// headers, and no body. The response also has the headers of the HTTP response, such as
    /// `www-authenticate`.
    ///
    /// Return this response to gRPC clients only. Software that reads only the HTTP status, such as a
    /// forward-auth proxy, would treat the 200 as permission. The tower layers return this response only if
    /// `grpc()` is on.
    ///
    /// ```
    /// use okta_verifier::Rejection;
    ///
    /// let rejection = Rejection::insufficient_scope("orders:read")?;
    /// assert_eq!(rejection.grpc_status(), 7); // permission denied
    /// let response: http::Response<String> = rejection.into_grpc_response();
    /// assert_eq!(response.status(), 200);
    /// assert_eq!(response.headers()["grpc-status"], "7");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn into_grpc_response<B: Default>(self) -> Response<B> {
        let status = self.grpc_status();
        let mut response = self.into_response();
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(u16::from(status)));
        response
    }
}
