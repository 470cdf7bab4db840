//! One introspection response (RFC 7662 §2.2), checked as strictly as a token.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::IntrospectionReason;
use crate::{
    error::{MalformedTokenError, UnavailableReason, VerifyError},
    sync::clock::Now,
    token::{
        checks::{self, Expected},
        claims::Claims,
        confirmation::Confirmation,
        json::{self, Object},
        profile::{Source, TokenProfile},
    },
    verified_token::{Evidence, Origin, VerifiedToken},
};

/// A response about one token, and the result of its checks.
#[derive(Debug)]
pub(crate) struct IntrospectionResponse {
    /// Why the token was introspected.
    pub(crate) reason: IntrospectionReason,
    /// When the request began. The response may not show a revocation after this time.
    pub(crate) requested_at: Now,
    /// For how long the response may be used.
    pub(crate) valid_for: Duration,
    pub(crate) result: Result<VerifiedToken, VerifyError>,
    /// Whether the response states the granted scopes.
    pub(crate) has_scopes: bool,
}

/// The introspection response that an HTTP request requires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequiredResponse<'t> {
    pub(crate) reason: IntrospectionReason,
    /// The token, if local checks have accepted it.
    pub(crate) verified: Option<&'t VerifiedToken>,
    /// The maximum age of the response that the route allows, or `None` if only the limit in the settings
    /// applies.
    pub(crate) max_age: Option<Duration>,
    /// When the response must have been requested at the earliest, unless it was requested after the HTTP request
    /// arrived. It is a moment and not an age, so that callers who wait for a slow response can all use it.
    pub(crate) newer_than: Option<Instant>,
    pub(crate) arrived: Now,
}

impl IntrospectionResponse {
    /// Parses a response. The claims of an active token are checked like those of a signed token.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is not a JSON object with the boolean `active` (RFC 7662 §2.2). Such a
    /// body says nothing about the token.
    pub(crate) fn parse(
        body: &[u8],
        origin: &Arc<Origin>,
        reason: IntrospectionReason,
        max_age: Duration,
        requested_at: Now,
        now: Now,
    ) -> Result<Self, UnavailableReason> {
        let text = std::str::from_utf8(body).map_err(|_| MALFORMED)?;
        let rejected = |error| Self {
            reason,
            requested_at,
            valid_for: max_age.min(REJECTION_TTL),
            result: Err(error),
            has_scopes: false,
        };
        let object = match Object::parse(text) {
            Ok(object) => object,
            Err(MalformedTokenError::Json) => return Err(MALFORMED),
            // The response is about this token but cannot be trusted: a member occurs twice, or claims are
            // nested too deep.
            Err(reason) => return Ok(rejected(reason.into())),
        };
        match object.get("active") {
            Some("true") => {}
            Some("false") => return Ok(rejected(VerifyError::Inactive)),
            _ => return Err(MALFORMED),
        }
        // From here on a defect concerns this token only. The token is rejected, and the endpoint still
        // counts as available (RFC 7662 §2.2).
        let kind = match TokenKind::read(&object) {
            Ok(TokenKind::Other) => return Ok(rejected(VerifyError::NotAnAccessToken)),
            Ok(kind) => kind,
            Err(error) => return Ok(rejected(error)),
        };
        if object.get("aud").is_some_and(is_empty) {
            return Ok(rejected(VerifyError::MissingClaim { claim: "aud" }));
        }
        let has_exp = object.contains("exp");
        let valid_for = match has_exp {
            true => max_age,
            false => max_age.min(WITHOUT_EXPIRY),
        };
        let completed = complete(text, &object, &origin.expected, valid_for, now);
        let claims = match Claims::parse(&completed) {
            Ok(claims) => claims,
            // This also rejects a refresh token, which can be active too but has no `aud`.
            Err(error) => return Ok(rejected(error)),
        };
        // An active token need not be for this API (RFC 7662 §4), so its claims are checked like those of a
        // signed token.
        let source = Source::IntrospectionResponse { has_exp };
        let expected = &origin.expected;
        let checked = checks::check_dates(claims.dates(), expected.leeway, now.unix)
            .and_then(|()| checks::check_claims(&claims, source, expected))
            .and_then(|checked| {
                kind.check_binding(checked.confirmation.as_ref())?;
                Ok(checked)
            });
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => return Ok(rejected(error)),
        };
        let mut granting = (expected.custom().into_iter()).flat_map(TokenProfile::granting_claims);
        let has_scopes = claims.contains("scope")
            || claims.contains("scp")
            || granting.any(|name| claims.contains(name));
        // A response without `iat` counts as issued when it was requested.
        let issued_at = |claims: &Claims<'_>| claims.issued_in_second().or(Some(requested_at.unix));
        // The payload is `text` and not `completed`: an inserted member must not become a claim of the token.
        let token = VerifiedToken::new(&claims, &checked, text, origin)
            .with_evidence(Evidence::IntrospectionResponse)
            .with_marks(&claims, &checked, issued_at);
        Ok(Self {
            reason,
            requested_at,
            valid_for,
            result: Ok(token),
            has_scopes,
        })
    }

    /// Returns whether the response can be used for the HTTP request. The response must have been requested
    /// after the HTTP request arrived, or be younger than both the settings and the route allow.
    pub(crate) fn meets(&self, required: RequiredResponse<'_>, now: Now) -> bool {
        let limit = required
            .max_age
            .map_or(self.valid_for, |max_age| max_age.min(self.valid_for));
        // A response about a verified token relies on the local check of the signature. If the issuer no
        // longer publishes the key, an active response of that kind is not enough.
        let stands_alone = self.reason == required.reason
            || required.reason != IntrospectionReason::UnknownKey
            || self.result.is_err();
        let is_newer = |moment| self.requested_at.instant >= moment;
        stands_alone
            && (is_newer(required.arrived.instant)
                || now.since(self.requested_at) < limit && required.newer_than.is_none_or(is_newer))
    }

    /// Returns whether the response reports the token as inactive and is still recent enough to be used.
    pub(super) fn says_inactive(&self, now: Now) -> bool {
        self.is_inactive() && now.since(self.requested_at) < REJECTION_TTL
    }

    /// Returns whether the response reports the token as inactive.
    pub(crate) fn is_inactive(&self) -> bool {
        matches!(self.result, Err(VerifyError::Inactive))
    }

    /// Returns the token if the response accepts it and it is valid at `now`, or else the reason for the
    /// rejection.
    pub(crate) fn token(&self, now: Now) -> Result<&VerifiedToken, VerifyError> {
        let token = self.result.as_ref().map_err(Clone::clone)?;
        token.check_dates(now.unix)?;
        Ok(token)
    }

    /// Checks a locally verified token against the response, and returns the token with its scopes limited
    /// to those of the response.
    ///
    /// The claims are those that were signed, because a response may leave most of them out. If the
    /// response states scopes, only scopes that are in both the token and the response count.
    pub(crate) fn confirm(
        &self,
        verified: VerifiedToken,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let introspected = self.token(now)?;
        // The token may have expired during the introspection request.
        verified.check_dates(now.unix)?;
        let has_subject = !verified.subject().is_empty(); // a lightweight token may have none
        if has_subject && introspected.subject() != verified.subject() {
            return Err(VerifyError::InvalidClaim { claim: "sub" });
        }
        if let (Some(one), Some(other)) = (introspected.client_id(), verified.client_id())
            && one != other
        {
            return Err(VerifyError::InvalidClaim { claim: "client_id" });
        }
        if let (Some(one), Some(other)) = (introspected.jti(), verified.jti())
            && one != other
        {
            return Err(VerifyError::InvalidClaim { claim: "jti" });
        }
        if verified.is_lightweight() {
            return verified.completed_by(introspected);
        }
        // A response may leave `cnf` out. If it is present, it must match the `cnf` of the token
        // (RFC 9449 §6.2).
        let binding = introspected.confirmation();
        if binding.is_some() && binding != verified.confirmation() {
            return Err(VerifyError::InvalidClaim { claim: "cnf" });
        }
        // Usually the scopes are equal, and comparing them needs no allocation.
        if self.has_scopes && !verified.scopes().eq(introspected.scopes()) {
            return verified.narrowed_to(introspected);
        }
        Ok(verified)
    }
}

/// Returns the response text with `iss` and `exp`, which a response may leave out but a token must have. An
/// absent `iss` is set to the configured issuer, and an absent `exp` to the time until which the response
/// may be used. Each is inserted with a comma before the other members. The comma is valid because `active`
/// always follows.
fn complete(
    text: &str,
    object: &Object<'_>,
    expected: &Expected,
    valid_for: Duration,
    now: Now,
) -> String {
    let mut completed = String::from("{");
    if !object.contains("iss") {
        let issuer = serde_json::Value::from(&*expected.issuer);
        completed.push_str(&format!(r#""iss":{issuer},"#));
    }
    if !object.contains("exp") {
        let until = now.unix.saturating_add(valid_for.as_secs().max(1));
        completed.push_str(&format!(r#""exp":{until},"#));
    }
    completed.push_str(text.trim_start().strip_prefix('{').unwrap_or_default());
    completed
}

/// Returns whether the list is empty. Some servers write an empty `aud` instead of leaving it out.
fn is_empty(list: &str) -> bool {
    json::strings(list).is_some_and(|list| list.is_empty())
}

/// The kind of a token according to the response. It is only used to reject a token, never to accept one,
/// because Okta responds with `Bearer` for every token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    Access,
    /// The token is bound to a key (RFC 9449 §5).
    Dpop,
    /// Any other kind. Refresh tokens and ID tokens can be active too (RFC 7662 §2.1).
    Other,
}

impl TokenKind {
    /// Reads the kind from `token_type`, `token_use` and `typ`. By the standard, `token_type` is the type
    /// of an access token (RFC 6749 §5.1) or absent (RFC 7662 §2.2), but some servers write values such as
    /// `refresh_token`, and others write the kind into `token_use` or `typ`.
    ///
    /// # Errors
    ///
    /// Returns an error if one of these members is neither a string nor null.
    fn read(object: &Object<'_>) -> Result<Self, VerifyError> {
        let member = |claim| match object.present(claim) {
            None => Ok(None),
            Some(value) => json::string(value)
                .map(Some)
                .ok_or(VerifyError::InvalidClaim { claim }),
        };
        let one_of =
            |text: &str, list: &[&str]| list.iter().any(|it| text.eq_ignore_ascii_case(it));
        let (token_type, token_use, typ) =
            (member("token_type")?, member("token_use")?, member("typ")?);
        let token_type = token_type.as_deref().unwrap_or_default();
        if !one_of(token_type, ACCESS)
            || token_use.is_some_and(|text| !one_of(&text, &["access_token", "access"]))
            || typ.is_some_and(|text| checks::is_other_kind(&text))
        {
            return Ok(Self::Other);
        }
        Ok(match one_of(token_type, &["DPoP"]) {
            true => Self::Dpop,
            false => Self::Access,
        })
    }

    /// Checks that a DPoP token is bound to a key.
    ///
    /// # Errors
    ///
    /// Returns an error if `token_type` is `DPoP` but the response has no `cnf.jkt` (RFC 9449 §6.2).
    fn check_binding(self, bound_to: Option<&Confirmation>) -> Result<(), VerifyError> {
        let to_a_key = bound_to.is_some_and(|confirmation| confirmation.jkt.is_some());
        match self == Self::Dpop && !to_a_key {
            true => Err(VerifyError::BindingUnchecked),
            false => Ok(()),
        }
    }
}

/// The values of `token_type` for access tokens. The empty string stands for an absent member.
const ACCESS: &[&str] = &["", "Bearer", "DPoP"];

const MALFORMED: UnavailableReason = UnavailableReason::Malformed {
    document: "introspection response",
};
/// How long a rejection is used. This is short, because a rejected token can become valid: its `nbf` is
/// reached, or the issuer's servers synchronise.
pub(super) const REJECTION_TTL: Duration = Duration::from_secs(5);
const WITHOUT_EXPIRY: Duration = Duration::from_secs(60);
