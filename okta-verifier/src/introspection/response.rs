//! One introspection response (RFC 7662 §2.2), checked as strictly as a token.

use std::{sync::Arc, time::Duration};

use super::{Question, kind::Kind};
use crate::{
    error::{MalformedTokenError, UnavailableReason, VerifyError},
    sync::clock::Now,
    token::{
        checks::{self, Expected, Source},
        claims::Claims,
        json::{self, Object},
    },
    verified_token::{Origin, VerifiedToken},
};

/// A response about one token, and what follows from it.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Why the token was introspected.
    pub(crate) question: Question,
    /// When the request began: the response does not show what was revoked later.
    pub(crate) asked: Now,
    /// How old the response may become.
    pub(crate) counts_for: Duration,
    pub(crate) verdict: Result<VerifiedToken, VerifyError>,
    /// Whether the response has the granted scopes.
    pub(crate) names_scopes: bool,
}

/// The response that a request needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want<'t> {
    pub(crate) question: Question,
    /// The token, if local checks have accepted it.
    pub(crate) verified: Option<&'t VerifiedToken>,
    /// How old it may be at most; `None` for the time in the settings.
    pub(crate) max_age: Option<Duration>,
    pub(crate) arrived: Now,
}

impl Checked {
    /// # Errors
    ///
    /// The body is not an introspection response: nothing is known about the token (RFC 7662 §2.2:
    /// `active` is a required boolean).
    pub(crate) fn judge(
        body: &[u8],
        origin: &Arc<Origin>,
        question: Question,
        max_age: Duration,
        asked: Now,
        now: Now,
    ) -> Result<Self, UnavailableReason> {
        let text = std::str::from_utf8(body).map_err(|_| MALFORMED)?;
        let refused = |error| Self {
            question,
            asked,
            counts_for: max_age.min(REFUSALS),
            verdict: Err(error),
            names_scopes: false,
        };
        let object = match Object::parse(text) {
            Ok(object) => object,
            Err(MalformedTokenError::Json) => return Err(MALFORMED),
            // The issuer has responded with something about this token that cannot be trusted: a member
            // that occurs twice, or claims that are nested too deep.
            Err(reason) => return Ok(refused(reason.into())),
        };
        match object.get("active") {
            Some("true") => {}
            Some("false") => return Ok(refused(VerifyError::Inactive)),
            _ => return Err(MALFORMED),
        }
        // From here on a defect concerns this token only: it is rejected, and the endpoint counts as
        // well (RFC 7662 §2.2).
        let kind = match Kind::read(&object) {
            Ok(Kind::Other) => return Ok(refused(VerifyError::NotAnAccessToken)),
            Ok(kind) => kind,
            Err(error) => return Ok(refused(error)),
        };
        if let Some(claim) = empty(&object) {
            return Ok(refused(VerifyError::MissingClaim { claim }));
        }
        let has_exp = object.contains("exp");
        let counts_for = match has_exp {
            true => max_age,
            false => max_age.min(WITHOUT_EXPIRY),
        };
        let completed = complete(text, &object, &origin.expected, counts_for, now);
        let claims = match Claims::parse(&completed) {
            Ok(claims) => claims,
            // A refresh token is active too, but has no audience.
            Err(error) => return Ok(refused(error)),
        };
        // RFC 7662 §4: that a token is active does not mean that it is for this API.
        let source = Source::IntrospectionResponse { has_exp };
        let expected = &origin.expected;
        let checked = checks::check_dates(claims.dates(), expected.leeway, now.unix)
            .and_then(|()| checks::check_claims(&claims, source, expected))
            .and_then(|confirmation| {
                kind.check_binding(confirmation.as_ref())?;
                Ok(confirmation)
            });
        let confirmation = match checked {
            Ok(confirmation) => confirmation,
            Err(error) => return Ok(refused(error)),
        };
        let token = VerifiedToken::new(&claims, source, confirmation, text, origin);
        Ok(Self {
            question,
            asked,
            counts_for,
            verdict: Ok(token),
            names_scopes: claims.contains("scope") || claims.contains("scp"),
        })
    }

    /// Whether the response can be used for the request: it answers the same question, and it was requested
    /// after the request arrived or is younger than both the settings and the route allow.
    pub(crate) fn holds(&self, want: Want<'_>, now: Now) -> bool {
        let limit = want
            .max_age
            .map_or(self.counts_for, |max_age| max_age.min(self.counts_for));
        // A response about a verified token relies on the signature. If the key is unknown now, that is
        // no longer enough.
        let stands_alone = self.question == want.question
            || want.question != Question::UnknownKey
            || self.verdict.is_err();
        stands_alone
            && (self.asked.instant >= want.arrived.instant || now.since(self.asked) < limit)
    }

    /// Whether the issuer has called the token inactive within the time for which that counts.
    pub(super) fn forbids(&self, now: Now) -> bool {
        matches!(self.verdict, Err(VerifyError::Inactive)) && now.since(self.asked) < REFUSALS
    }

    /// Returns the token, if it is valid at `now`.
    pub(crate) fn token(&self, now: Now) -> Result<&VerifiedToken, VerifyError> {
        let token = self.verdict.as_ref().map_err(Clone::clone)?;
        token.check_dates(now.unix)?;
        Ok(token)
    }

    /// Returns a verified token with the restrictions of the response.
    ///
    /// Its claims are the signed ones, because a response may leave most of them out. If the response has
    /// scopes, only the scopes that are in both count.
    pub(crate) fn confirm(
        &self,
        verified: VerifiedToken,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let answered = self.token(now)?;
        // The request may have taken long.
        verified.check_dates(now.unix)?;
        if answered.subject() != verified.subject() {
            return Err(VerifyError::InvalidClaim { claim: "sub" });
        }
        if let (Some(one), Some(other)) = (answered.client_id(), verified.client_id())
            && one != other
        {
            return Err(VerifyError::InvalidClaim { claim: "client_id" });
        }
        if let (Some(one), Some(other)) = (answered.jti(), verified.jti())
            && one != other
        {
            return Err(VerifyError::InvalidClaim { claim: "jti" });
        }
        // A response may leave `cnf` out. If it has one, it is the token's (RFC 9449 §6.2).
        let binding = answered.confirmation();
        if binding.is_some() && binding != verified.confirmation() {
            return Err(VerifyError::InvalidClaim { claim: "cnf" });
        }
        // Usually both have the same scopes, and comparing them needs no allocation.
        if self.names_scopes && !verified.scopes().eq(answered.scopes()) {
            return verified.narrowed_to(answered);
        }
        Ok(verified)
    }
}

/// Returns the response with the claims that it may leave out and that a token must have: the issuer is the
/// configured one, and the token expires when the response does. They are inserted in front; the response
/// has `active` at least.
fn complete(
    text: &str,
    object: &Object<'_>,
    expected: &Expected,
    counts_for: Duration,
    now: Now,
) -> String {
    let mut completed = String::from("{");
    if !object.contains("iss") {
        let issuer = serde_json::Value::from(&*expected.issuer);
        completed.push_str(&format!(r#""iss":{issuer},"#));
    }
    if !object.contains("exp") {
        let until = now.unix.saturating_add(counts_for.as_secs().max(1));
        completed.push_str(&format!(r#""exp":{until},"#));
    }
    completed.push_str(text.trim_start().strip_prefix('{').unwrap_or_default());
    completed
}

/// Returns the name of a claim that is present but empty, which some servers write for an absent claim.
fn empty(object: &Object<'_>) -> Option<&'static str> {
    let is_empty = |list: &str| json::strings(list).is_some_and(|list| list.is_empty());
    if object.get("aud").is_some_and(is_empty) {
        return Some("aud");
    }
    let sub = object.get("sub").and_then(json::string)?;
    sub.is_empty().then_some("sub")
}

const MALFORMED: UnavailableReason = UnavailableReason::Malformed {
    document: "introspection answer",
};
/// Short, because a token can become active: its `nbf` is reached, or the issuer's servers synchronise.
pub(super) const REFUSALS: Duration = Duration::from_secs(5);
const WITHOUT_EXPIRY: Duration = Duration::from_secs(60);
