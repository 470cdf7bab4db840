//! The header fields of a request to an MCP server (MCP 2026-07-28, Streamable HTTP). They must agree with the body,
//! because a proxy may route by them, and never decide which policy applies.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::message::{Kind, Message};
use crate::{
    error::McpError,
    http::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

/// Checks that the server reads the same bytes: a body with a content coding or with another charset than UTF-8
/// could be decoded into another one.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), McpError> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match codings.all(is_identity) && types.all(is_utf8) {
        true => Ok(()),
        false => Err(McpError::Encoding),
    }
}

/// Returns whether a `Content-Type` names no other charset than UTF-8.
fn is_utf8(content_type: &HeaderValue) -> bool {
    let parts = content_type.as_bytes().split(|byte| *byte == b';');
    parts.skip(1).all(|parameter| {
        let parameter = parameter.to_ascii_lowercase();
        let mut halves = parameter.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default().trim_ascii();
        match halves.next().map(<[u8]>::trim_ascii) {
            Some(b"utf-8" | b"utf8" | b"\"utf-8\"" | b"\"utf8\"") => true,
            _ => !contains(name, b"charset"),
        }
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Returns whether the request has the protocol version 2026-07-28 or a later one. A request without the field has an
/// older one.
pub(super) fn is_modern(headers: &HeaderMap) -> Result<bool, McpError> {
    let version = only(headers, &PROTOCOL_VERSION).map_err(|_| McpError::ProtocolVersion)?;
    match version.map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(version) if is_date(version) => Ok(version >= MODERN),
        Some(_) => Err(McpError::ProtocolVersion),
    }
}

/// Returns whether the text is a date such as `2026-07-28`. Dates in this form have the order of their bytes.
fn is_date(text: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return false;
    };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    digits.iter().all(|digit| digit.is_ascii_digit())
        && (b"01".as_slice()..=b"12").contains(&[*m1, *m2].as_slice())
        && (b"01".as_slice()..=b"31").contains(&[*d1, *d2].as_slice())
}

/// Checks that `Mcp-Method` and `Mcp-Name` agree with the body of a request with a modern protocol version.
pub(super) fn check_agreement(headers: &HeaderMap, message: &Message<'_>) -> Result<(), McpError> {
    let Some(method) = message.method() else {
        return Ok(()); // a response
    };
    // The first request of a session may come from a client that does not know these fields. Notifications need none,
    // because official servers do not require them there.
    let is_required = message.is_request() && !message.begins_session();
    match only(headers, &METHOD).map_err(|_| McpError::McpMethod)? {
        Some(value) if value.as_bytes() == method.as_bytes() => {}
        None if !is_required => {}
        _ => return Err(McpError::McpMethod),
    }
    let (kind, is_name_required) = match method {
        "tools/call" => (Kind::Tool, true),
        "prompts/get" => (Kind::Prompt, true),
        "resources/read" => (Kind::Resource, true),
        // Not every official client sends the field for these methods.
        "resources/subscribe" | "resources/unsubscribe" => (Kind::Resource, false),
        _ => return Ok(()),
    };
    match only(headers, &NAME).map_err(|_| McpError::McpName)? {
        None if !(is_required && is_name_required) => Ok(()),
        Some(value)
            if message
                .target(kind)
                .is_some_and(|target| equals(value, target)) =>
        {
            Ok(())
        }
        _ => Err(McpError::McpName),
    }
}

/// Returns the value of a field, or an error if the field occurs more than once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(()),
    }
}

/// Returns whether a value of `Mcp-Name` is this text, as it is or in base64 between `=?base64?` and `?=`.
fn equals(value: &HeaderValue, target: &str) -> bool {
    let value = value.as_bytes();
    let encoded = value
        .strip_prefix(b"=?base64?")
        .and_then(|rest| rest.strip_suffix(b"?="));
    match encoded {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded)
            .is_ok_and(|decoded| decoded == target.as_bytes()),
        // Other bytes cannot be in the field (MCP 2026-07-28, Value Encoding).
        None => value == target.as_bytes() && value.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

// A name that is known when the program is compiled need not be parsed for each request.
static PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
static METHOD: HeaderName = HeaderName::from_static("mcp-method");
static NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The first protocol version with the fields `Mcp-Method` and `Mcp-Name`, and without batches.
const MODERN: &[u8] = b"2026-07-28";
