//! A response before it is sent, and the two kinds of Okta's error bodies.

use serde_json::{Value, json};

use crate::keys::random_name;

/// A response: status, header fields and body.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Creates a response with a body and its media type.
    pub(super) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Returns a response with the error body of Okta's management API. The metadata and keys endpoints
    /// and rate limits use this body too.
    pub(super) fn okta_error(status: u16) -> Self {
        let (code, summary) = match status {
            401 => ("E0000011", "Invalid token provided"),
            403 => (
                "E0000006",
                "You don't have permission to perform the requested action.",
            ),
            404 => ("E0000007", "Not found: Resource not found"),
            405 => (
                "E0000022",
                "The endpoint does not support the provided HTTP method",
            ),
            500 => ("E0000009", "Internal Server Error"),
            _ => (
                "E0000047",
                "You exceeded the maximum number of requests. Try again in a while.",
            ),
        };
        let body = json!({
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": format!("oae{}", &random_name()[..20]),
            "errorCauses": [],
        });
        Self::json(status, &body)
    }

    /// Returns a response with the error body of an OAuth endpoint (RFC 6749 §5.2).
    pub(super) fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        Self::json(
            status,
            &json!({ "error": error, "error_description": description }),
        )
    }

    /// Sets a field and removes any earlier value of it.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// Turns a 200 into a 304 with the same fields, except those that describe the body.
    pub(super) fn not_modified(mut self) -> Self {
        self.status = 304;
        self.headers
            .retain(|(field, _)| !field.starts_with("content-"));
        self.body.clear();
        self
    }

    /// Returns the status line and the fields. If `length` is `None`, the body ends when the connection
    /// is closed (RFC 9112 §6.3).
    pub(super) fn head(&self, length: Option<usize>) -> Vec<u8> {
        // RFC 9112 §4: the reason phrase may be empty, but the space before it is required.
        let mut head = format!("HTTP/1.1 {} \r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = length {
            head += &format!("content-length: {length}\r\n");
        }
        (head + "\r\n").into_bytes()
    }
}
