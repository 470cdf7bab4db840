use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::Rejection;

impl Rejection {
    /// The gRPC status code: 16 (unauthenticated), 7 (permission denied), 14 (unavailable), or 13
    /// (internal) where a handler has no layer.
    #[must_use]
    pub fn grpc_status(&self) -> u8 {
        match self.status() {
            StatusCode::FORBIDDEN => 7,
            StatusCode::SERVICE_UNAVAILABLE => 14,
            StatusCode::INTERNAL_SERVER_ERROR => 13,
            _ => 16,
        }
    }

    /// The refusal as a gRPC client understands it: trailers only, that is HTTP 200 with
    /// `grpc-status` among the headers and nothing after them. The headers of the HTTP form are
    /// there too, `www-authenticate` among them.
    ///
    /// Only for a gRPC client: whatever reads the HTTP status alone, such as a forward-auth proxy, takes
    /// this response for permission. The tower layers return it only where `grpc()` is on.
    ///
    /// ```
    /// use okta_verifier::Rejection;
    ///
    /// let refusal = Rejection::insufficient_scope("orders:read")?;
    /// assert_eq!(refusal.grpc_status(), 7); // permission denied
    /// let response: http::Response<String> = refusal.into_grpc_response();
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
