//! The value of `WWW-Authenticate` (RFC 6750 §3, RFC 9110 §11.6.1).

use http::HeaderValue;

use super::Remedy;
use crate::error::ConfigError;

/// The challenges that never change, written once.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    realm: Box<str>,
    /// Without an error: nothing was presented.
    pub(crate) bare: HeaderValue,
    pub(crate) invalid_request: HeaderValue,
    pub(crate) invalid_token: HeaderValue,
}

impl Challenges {
    /// # Errors
    ///
    /// The realm is empty or has a character outside printable ASCII.
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        let printable = |byte: u8| matches!(byte, b' '..=b'~');
        if realm.is_empty() || !realm.bytes().all(printable) {
            return Err(ConfigError::Realm);
        }
        let write = |error| challenge(realm, error, &[]);
        Ok(Self {
            realm: realm.into(),
            bare: write(None)?,
            invalid_request: write(Some(INVALID_REQUEST))?,
            invalid_token: write(Some(INVALID_TOKEN))?,
        })
    }

    /// `scope` names the scopes that would have been enough (RFC 6750 §3.1).
    ///
    /// # Errors
    ///
    /// `scope` is not a list of scope tokens.
    pub(crate) fn insufficient_scope(&self, scope: &str) -> Result<HeaderValue, ConfigError> {
        if !scope.split(' ').all(is_scope_token) {
            return Err(ConfigError::Scope);
        }
        challenge(&self.realm, Some(INSUFFICIENT_SCOPE), &[("scope", scope)])
    }

    /// The step-up challenge of RFC 9470 §3; `scope` where scopes lack too.
    pub(super) fn insufficient_authentication(
        &self,
        remedy: &Remedy,
    ) -> Result<HeaderValue, ConfigError> {
        let scope = if remedy.lacks_scope {
            remedy.scopes.join(" ")
        } else {
            String::new()
        };
        let acr_values = remedy.acr_values.join(" ");
        let max_age = remedy
            .max_age
            .map(|seconds| seconds.to_string())
            .unwrap_or_default();
        let parameters = [
            ("scope", &*scope),
            ("acr_values", &*acr_values),
            ("max_age", &*max_age),
        ];
        challenge(&self.realm, Some(INSUFFICIENT_AUTHENTICATION), &parameters)
    }
}

/// RFC 6749 §3.3: `1*( %x21 / %x23-5B / %x5D-7E )`, which needs no escape in a quoted string.
pub(crate) const fn is_scope_token(token: &str) -> bool {
    let bytes = token.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

/// An error code and its one phrase: what happened inside is for the log (RFC 6750 §5.2).
#[derive(Clone, Copy)]
struct ErrorCode(&'static str, &'static str);

const INVALID_REQUEST: ErrorCode =
    ErrorCode("invalid_request", "The request's credentials are malformed");
const INVALID_TOKEN: ErrorCode = ErrorCode(
    "invalid_token",
    "The access token is invalid or has expired",
);
const INSUFFICIENT_SCOPE: ErrorCode = ErrorCode(
    "insufficient_scope",
    "The access token lacks a required scope",
);

const INSUFFICIENT_AUTHENTICATION: ErrorCode = ErrorCode(
    "insufficient_user_authentication",
    "The user must authenticate again or more strongly",
);

/// Parameters in this order, each once; empty ones are left out.
fn challenge(
    realm: &str,
    error: Option<ErrorCode>,
    parameters: &[(&str, &str)],
) -> Result<HeaderValue, ConfigError> {
    let mut value = String::from("Bearer");
    push_parameter(&mut value, "realm", realm);
    if let Some(ErrorCode(code, description)) = error {
        push_parameter(&mut value, "error", code);
        push_parameter(&mut value, "error_description", description);
    }
    for (name, text) in parameters.iter().filter(|(_, text)| !text.is_empty()) {
        push_parameter(&mut value, name, text);
    }
    HeaderValue::try_from(value).map_err(|_| ConfigError::Realm)
}

/// A quoted string (RFC 9110 §5.6.4).
fn push_parameter(value: &mut String, name: &str, text: &str) {
    value.push_str(if value.contains('=') { ", " } else { " " });
    value.push_str(name);
    value.push_str("=\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            value.push('\\');
        }
        value.push(character);
    }
    value.push('"');
}
