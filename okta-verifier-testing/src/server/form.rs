//! Form bodies (`application/x-www-form-urlencoded`) and client credentials.

use base64::engine::{Engine, general_purpose::STANDARD};

use super::answer::Answer;
use super::request::Request;

/// The parameters of a request's form.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses the body of a request. Rejects a body that is not a form or repeats a parameter (RFC 6749
    /// §3.2).
    pub(super) fn of(request: &Request) -> Result<Self, Answer> {
        let media_type = request.header("content-type").unwrap_or_default();
        Some(media_type)
            .filter(|it| it.starts_with("application/x-www-form-urlencoded"))
            .and_then(|_| Self::parse(&request.body))
            .filter(Self::is_unambiguous)
            .ok_or_else(|| Answer::oauth_error(400, "invalid_request", NO_FORM))
    }

    /// Parses a query. Returns `None` if it is not form-encoded or repeats a parameter.
    pub(super) fn of_query(query: &str) -> Option<Self> {
        Self::parse(query.as_bytes()).filter(Self::is_unambiguous)
    }

    /// Returns every parameter with its value, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decode(name)?, decode(value)?))
        };
        let parts = text.split('&').filter(|part| !part.is_empty());
        Some(Self(parts.map(pair).collect::<Option<_>>()?))
    }

    /// Returns a parameter, or `None` if it is absent or has no value: a parameter without a value is
    /// treated as omitted (RFC 6749 §3.2).
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(key, value)| key == name && !value.is_empty())?;
        Some(value)
    }

    fn is_unambiguous(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// Returns the client ID and secret of an `Authorization: Basic` value. The client form-encodes both
/// before it joins them (RFC 6749 §2.3.1). Returns `None` for any other value.
pub(super) fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

const NO_FORM: &str = "The request body must be form-encoded.";
