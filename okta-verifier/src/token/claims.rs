//! The claims that the verification reads. A token is rejected if one of them has the wrong type. Values
//! are validated in `checks`.
//!
//! A null is treated as an absent claim, because some issuers write absent claims as null. The exceptions
//! are `iss`, `sub`, `aud`, `exp` and `cnf`, for which a null is an error.

use std::{borrow::Cow, fmt};

use super::json::{self, Object};
use crate::error::VerifyError;

pub(crate) struct Claims<'a> {
    pub(crate) iss: Cow<'a, str>,
    /// `None` if the token has no subject. Whether it needs one depends on the issuer's settings, as for
    /// `aud`.
    pub(crate) sub: Option<Cow<'a, str>>,
    pub(crate) aud: Option<Vec<Cow<'a, str>>>,
    /// In seconds since 1970, like the three dates below.
    pub(crate) exp: u64,
    pub(crate) nbf: Option<u64>,
    pub(crate) iat: Option<u64>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) acr: Option<Cow<'a, str>>,
    pub(crate) jti: Option<Cow<'a, str>>,
    pub(crate) cid: Option<Cow<'a, str>>,
    pub(crate) client_id: Option<Cow<'a, str>>,
    pub(crate) uid: Option<Cow<'a, str>>,
    /// The scopes separated by spaces, from `scp` or `scope`.
    pub(crate) scope: Cow<'a, str>,
    object: Object<'a>,
}

/// The dates of a token, in seconds since 1970, which are checked at every request.
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
            // An empty subject is treated as an absent subject, because it identifies nothing.
            sub: match object.get("sub") {
                Some("\"\"") => None,
                value => text("sub", value)?,
            },
            aud: audience(&object)?,
            exp: required("exp", date("exp", object.get("exp"), f64::floor)?)?,
            // For `nbf` and `iat`, rounding up is stricter.
            nbf: date("nbf", object.present("nbf"), f64::ceil)?,
            iat: date("iat", object.present("iat"), f64::ceil)?,
            // For `auth_time`, as for `exp`, rounding down is stricter.
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

    /// Returns `iat`, rounded down: for a revocation, the earlier second is stricter.
    pub(crate) fn issued_in_second(&self) -> Option<u64> {
        let rounded_up = self.iat?;
        let rounded_down = date("iat", self.object.get("iat"), f64::floor);
        Some(rounded_down.ok().flatten().unwrap_or(rounded_up))
    }

    /// Returns whether the claim is present and not null.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.object.present(name).is_some()
    }

    /// Returns the claim as JSON text, null included, or `None` if the claim is absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.object.get(name)
    }

    /// Returns the claim if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.object.present(name).and_then(json::string)
    }

    /// Returns whether the claim is the string `expected`.
    pub(crate) fn text_is(&self, name: &str, expected: &str) -> bool {
        self.text(name).is_some_and(|text| text == expected)
    }

    /// Reads the scopes of these claims together.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them is neither a string nor an array of scopes.
    pub(crate) fn scopes_of(&self, names: &[String]) -> Result<Cow<'a, str>, VerifyError> {
        let mut scopes: Option<Cow<'a, str>> = None;
        for name in names {
            let Some(more) = scope_tokens(&self.object, name)? else {
                continue;
            };
            scopes = Some(match scopes {
                None => more,
                Some(scopes) => Cow::Owned(format!("{scopes} {more}")),
            });
        }
        Ok(scopes.unwrap_or_default())
    }

    /// Returns whether the claim is a JSON object.
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

/// Reads a string from a claim's JSON text. An absent claim gives `None`. An empty string is invalid,
/// because it identifies nothing.
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

/// Reads a NumericDate (RFC 7519 §2): a JSON number, possibly with a fraction, but never a string. An
/// absent claim gives `None`.
pub(crate) fn date(
    claim: &'static str,
    value: Option<&str>,
    round: fn(f64) -> f64,
) -> Result<Option<u64>, VerifyError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let invalid = VerifyError::InvalidClaim { claim };
    let begins_with_digit = value.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if !begins_with_digit || value.len() > MAX_DIGITS {
        return Err(invalid); // negative, not a number, or slow to parse
    }
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        // The cast saturates at u64::MAX, which is above MAX_DATE.
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

/// The maximum length of a date in characters. Seconds since 1970 have ten digits, and some longer numbers
/// take long to parse.
const MAX_DIGITS: usize = 32;
/// The maximum date: 2^53, above which a JSON number may not be exact (RFC 8259 §6).
const MAX_DATE: u64 = 1 << 53;

/// Reads `aud`: one string or an array of strings (RFC 7519 §4.1.3). An absent claim gives `None`.
fn audience<'a>(object: &Object<'a>) -> Result<Option<Vec<Cow<'a, str>>>, VerifyError> {
    let claim = "aud";
    let Some(value) = object.get(claim) else {
        return Ok(None);
    };
    let audience = match json::string(value) {
        Some(one) => Some(vec![one]),
        None => json::strings(value),
    };
    match audience {
        Some(audience) if !audience.is_empty() => Ok(Some(audience)),
        _ => Err(VerifyError::InvalidClaim { claim }),
    }
}

/// Reads Okta's `scp` array and the `scope` string of RFC 9068 §2.2.3 as one list. Each claim may also have
/// the form of the other. If both are present and differ, the token is rejected.
fn scope<'a>(object: &Object<'a>) -> Result<Cow<'a, str>, VerifyError> {
    match (scope_tokens(object, "scp")?, scope_tokens(object, "scope")?) {
        (None, None) => Ok(Cow::Borrowed("")),
        (Some(scope), None) | (None, Some(scope)) => Ok(scope),
        (Some(scp), Some(scope)) if sorted(&scp) == sorted(&scope) => Ok(scp),
        _ => Err(VerifyError::InvalidClaim { claim: "scp" }),
    }
}

fn scope_tokens<'a>(object: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, VerifyError> {
    let Some(value) = object.present(name) else {
        return Ok(None);
    };
    if let Some(list) = json::string(value) {
        return Ok(Some(list));
    }
    let mut scopes = String::with_capacity(value.len());
    let mut are_tokens = true;
    let is_array = json::for_each_string(value, |token| {
        // An element with a space is rejected, because splitting it would grant scopes that are not in the
        // list.
        are_tokens &= !token.is_empty() && !token.contains(' ');
        if !scopes.is_empty() {
            scopes.push(' ');
        }
        scopes.push_str(&token);
    });
    match is_array {
        Some(()) if are_tokens => Ok(Some(Cow::Owned(scopes))),
        _ => Err(VerifyError::InvalidClaim {
            claim: if name == "scp" { "scp" } else { "scope" },
        }),
    }
}

fn sorted(scope: &str) -> Vec<&str> {
    let mut tokens: Vec<_> = scope.split(' ').filter(|token| !token.is_empty()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
