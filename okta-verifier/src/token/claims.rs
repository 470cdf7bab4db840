//! The registered claims, typed strictly: a token with a claim of another type than its definition's
//! is rejected. `checks` compares the values.
//!
//! A null stands for an absent claim, as issuers write it for that, but not for `iss`, `sub`, `aud`,
//! `exp` and `cnf`: what restricts a token must not vanish by it.

use std::{borrow::Cow, fmt};

use super::json::{self, Object};
use crate::error::VerifyError;

pub(crate) struct Claims<'a> {
    pub(crate) iss: Cow<'a, str>,
    pub(crate) sub: Cow<'a, str>,
    pub(crate) aud: Vec<Cow<'a, str>>,
    /// Seconds since 1970, like the dates below.
    pub(crate) exp: u64,
    pub(crate) nbf: Option<u64>,
    pub(crate) iat: Option<u64>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) acr: Option<Cow<'a, str>>,
    pub(crate) jti: Option<Cow<'a, str>>,
    pub(crate) cid: Option<Cow<'a, str>>,
    pub(crate) client_id: Option<Cow<'a, str>>,
    pub(crate) uid: Option<Cow<'a, str>>,
    /// Scope tokens with spaces between, from `scp` or `scope`.
    pub(crate) scope: Cow<'a, str>,
    object: Object<'a>,
}

/// When a token is valid, in seconds since 1970: all that a clock has a say in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates {
    pub(crate) exp: u64,
    pub(crate) nbf: Option<u64>,
    pub(crate) iat: Option<u64>,
}

impl<'a> Claims<'a> {
    pub(crate) fn parse(payload: &'a str) -> Result<Self, VerifyError> {
        let object = Object::parse(payload)?;
        Ok(Self {
            iss: required("iss", text("iss", object.get("iss"))?)?,
            // An empty subject identifies as little as none.
            sub: match object.get("sub") {
                Some("\"\"") => return Err(VerifyError::MissingClaim { claim: "sub" }),
                value => required("sub", text("sub", value)?)?,
            },
            aud: audience(&object)?,
            exp: required("exp", date("exp", object.get("exp"), f64::floor)?)?,
            // Rounded towards refusal: a token is not valid before its fraction of a second.
            nbf: date("nbf", object.present("nbf"), f64::ceil)?,
            iat: date("iat", object.present("iat"), f64::ceil)?,
            // Towards refusal here is towards the past.
            auth_time: date("auth_time", object.present("auth_time"), f64::floor)?,
            acr: text("acr", object.present("acr"))?,
            jti: text("jti", object.present("jti"))?,
            cid: text("cid", object.present("cid"))?,
            client_id: text("client_id", object.present("client_id"))?,
            uid: text("uid", object.present("uid"))?,
            scope: scope(&object)?,
            object,
        })
    }

    pub(crate) fn dates(&self) -> Dates {
        Dates {
            exp: self.exp,
            nbf: self.nbf,
            iat: self.iat,
        }
    }

    /// Whether the claim is there, and not null.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.object.present(name).is_some()
    }

    /// The claim as it is written, null included.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.object.get(name)
    }

    /// Whether the claim is a JSON object.
    pub(crate) fn has_object(&self, name: &str) -> bool {
        self.object
            .get(name)
            .is_some_and(|value| value.starts_with('{'))
    }
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

fn required<T>(claim: &'static str, value: Option<T>) -> Result<T, VerifyError> {
    value.ok_or(VerifyError::MissingClaim { claim })
}

/// A string, of a claim's value as it is written. An empty one identifies nothing.
fn text<'a>(
    claim: &'static str,
    value: Option<&'a str>,
) -> Result<Option<Cow<'a, str>>, VerifyError> {
    let Some(value) = value else {
        return Ok(None);
    };
    match json::string(value) {
        Some(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(VerifyError::InvalidClaim { claim }),
    }
}

/// A NumericDate (RFC 7519 §2): a JSON number, possibly with a fraction; never a string.
pub(crate) fn date(
    claim: &'static str,
    value: Option<&str>,
    round: fn(f64) -> f64,
) -> Result<Option<u64>, VerifyError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let invalid = VerifyError::InvalidClaim { claim };
    if !value.starts_with(|first: char| first.is_ascii_digit()) || value.len() > MAX_DIGITS {
        return Err(invalid); // negative, or no number, or one that takes long to read
    }
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        // What is too large for the cast ends at u64's end, and so beyond.
        Err(_) => match value.parse::<f64>() {
            Ok(seconds) => round(seconds) as u64,
            Err(_) => return Err(invalid),
        },
    };
    if seconds > MAX_DATE {
        Err(invalid)
    } else {
        Ok(Some(seconds))
    }
}

/// Seconds since 1970 have ten digits, and nobody's clock has twenty more behind the point.
const MAX_DIGITS: usize = 32;
/// 2^53: beyond it a JSON number is no longer exact (RFC 8259 §6).
const MAX_DATE: u64 = 1 << 53;

/// RFC 7519 §4.1.3: one string, or an array of strings.
fn audience<'a>(object: &Object<'a>) -> Result<Vec<Cow<'a, str>>, VerifyError> {
    let claim = "aud";
    let value = required(claim, object.get(claim))?;
    let audience = match json::string(value) {
        Some(one) => Some(vec![one]),
        None => json::strings(value),
    };
    match audience {
        Some(audience) if !audience.is_empty() => Ok(audience),
        _ => Err(VerifyError::InvalidClaim { claim }),
    }
}

/// Okta's `scp` array and the `scope` string of RFC 9068 §2.2.3 as one view; each is also read in
/// the other's shape. Two that differ leave open which one was granted: refused.
fn scope<'a>(object: &Object<'a>) -> Result<Cow<'a, str>, VerifyError> {
    match (scope_tokens(object, "scp")?, scope_tokens(object, "scope")?) {
        (None, None) => Ok(Cow::Borrowed("")),
        (Some(scope), None) | (None, Some(scope)) => Ok(scope),
        (Some(scp), Some(scope)) if sorted(&scp) == sorted(&scope) => Ok(scp),
        _ => Err(VerifyError::InvalidClaim { claim: "scp" }),
    }
}

fn scope_tokens<'a>(
    object: &Object<'a>,
    claim: &'static str,
) -> Result<Option<Cow<'a, str>>, VerifyError> {
    let Some(value) = object.present(claim) else {
        return Ok(None);
    };
    if let Some(list) = json::string(value) {
        return Ok(Some(list));
    }
    match json::strings(value) {
        // Splitting an element at a space would grant scopes that nobody listed.
        Some(tokens)
            if tokens
                .iter()
                .all(|token| !token.is_empty() && !token.contains(' ')) =>
        {
            Ok(Some(Cow::Owned(tokens.join(" "))))
        }
        _ => Err(VerifyError::InvalidClaim { claim }),
    }
}

fn sorted(scope: &str) -> Vec<&str> {
    let mut tokens: Vec<_> = scope.split(' ').filter(|token| !token.is_empty()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
