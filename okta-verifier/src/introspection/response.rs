//! One answer of the issuer (RFC 7662 §2.2), judged as strictly as a token.

use std::{sync::Arc, time::Duration};

use super::{Question, kind::Kind};
use crate::{
    error::{FetchError, MalformedToken, VerifyError},
    sync::clock::Now,
    token::{
        checks::{self, Clients, Expected},
        claims::Claims,
        confirmation::Confirmation,
        json::{self, Object},
        jws::Typ,
    },
    verified_token::{Origin, VerifiedToken},
};

/// What the issuer said of a token, and what follows from it.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Why it was asked for.
    pub(crate) question: Question,
    /// When the question was begun: what is revoked later is not in the answer.
    pub(crate) asked: Now,
    /// How old the answer may grow.
    pub(crate) counts_for: Duration,
    pub(crate) verdict: Result<VerifiedToken, VerifyError>,
    /// Whether the answer says which scopes were granted.
    pub(crate) names_scopes: bool,
}

/// Which answer a request wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want<'t> {
    pub(crate) question: Question,
    /// The token, if local checks accepted it.
    pub(crate) verified: Option<&'t VerifiedToken>,
    /// How old it may be; `None`: as old as the settings say.
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
    ) -> Result<Self, FetchError> {
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
            Err(MalformedToken::Json) => return Err(MALFORMED),
            // The issuer answered, with something about this token that cannot be trusted: a member
            // that occurs twice, or claims nested too deep.
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
        let expires = object.contains("exp");
        let counts_for = match expires {
            true => max_age,
            false => max_age.min(WITHOUT_EXPIRY),
        };
        let completed = complete(text, &object, &origin.expected, counts_for, now);
        let claims = match Claims::parse(&completed) {
            Ok(claims) => claims,
            // A refresh token is active too, and has no audience.
            Err(error) => return Ok(refused(error)),
        };
        let checked = check(&claims, expires, &origin.expected, now.unix).and_then(|binding| {
            kind.check_binding(binding.as_ref())?;
            Ok(binding)
        });
        let confirmation = match checked {
            Ok(confirmation) => confirmation,
            Err(error) => return Ok(refused(error)),
        };
        let client_id = claims.client_id.as_deref();
        let token = VerifiedToken::of(&claims, client_id, confirmation, text, origin);
        Ok(Self {
            question,
            asked,
            counts_for,
            verdict: Ok(token),
            names_scopes: claims.contains("scope") || claims.contains("scp"),
        })
    }

    /// Whether the answer is to that question, and new enough for a request that arrived then:
    /// asked for after that, or younger than both the settings and the route allow.
    pub(crate) fn holds(&self, want: Want<'_>, now: Now) -> bool {
        let limit = want
            .max_age
            .map_or(self.counts_for, |max_age| max_age.min(self.counts_for));
        // An answer over a token that was verified may stand on that; its key may be gone since.
        let stands_alone = self.question == want.question
            || want.question != Question::UnknownKey
            || self.verdict.is_err();
        stands_alone
            && (self.asked.instant >= want.arrived.instant || now.since(self.asked) < limit)
    }

    /// The issuer has said lately that it does not want the token accepted.
    pub(super) fn forbids(&self, now: Now) -> bool {
        matches!(self.verdict, Err(VerifyError::Inactive)) && now.since(self.asked) < REFUSALS
    }

    /// What it means now: time has gone on since the answer.
    pub(crate) fn token(&self, now: Now) -> Result<&VerifiedToken, VerifyError> {
        let token = self.verdict.as_ref().map_err(Clone::clone)?;
        token.check_dates(now.unix)?;
        Ok(token)
    }

    /// A verified token that the issuer was asked about as well: it is as good as both say.
    ///
    /// Its claims are the ones that were signed, as an answer may leave most of them out. Of
    /// the scopes those count that the answer names too, if it names any.
    pub(crate) fn confirm(
        &self,
        verified: VerifiedToken,
        now: Now,
    ) -> Result<VerifiedToken, VerifyError> {
        let answered = self.token(now)?;
        // The answer may have been long in coming.
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
        // An answer may leave `cnf` out; one that has it has the token's (RFC 9449 §6.2).
        let binding = answered.confirmation();
        if binding.is_some() && binding != verified.confirmation() {
            return Err(VerifyError::InvalidClaim { claim: "cnf" });
        }
        // Mostly both have the same scopes, and this compares them without an allocation.
        if self.names_scopes && !verified.scopes().eq(answered.scopes()) {
            return verified.narrowed_to(answered);
        }
        Ok(verified)
    }
}

/// The answer with what it may leave out and a token must have: the issuer is the one that was
/// asked, and the token is good for as long as the answer is. The members are in front; the
/// answer has `active` at least.
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

/// What is there and names nobody: as good as left out, and a server's way to say so.
fn empty(object: &Object<'_>) -> Option<&'static str> {
    let is_empty = |list: &str| json::strings(list).is_some_and(|list| list.is_empty());
    if object.get("aud").is_some_and(is_empty) {
        return Some("aud");
    }
    let sub = object.get("sub").and_then(json::string)?;
    sub.is_empty().then_some("sub")
}

/// RFC 7662 §4: active is what the issuer says of its token; whether it is for this API is ours
/// to check.
fn check(
    claims: &Claims<'_>,
    expires: bool,
    expected: &Expected,
    now: u64,
) -> Result<Option<Confirmation>, VerifyError> {
    checks::check_dates(claims.dates(), expected.leeway, now)?;
    if expires && claims.iat.is_some_and(|iat| claims.exp <= iat) {
        return Err(VerifyError::InvalidClaim { claim: "exp" });
    }
    if !expected.is_issuer(&claims.iss) {
        return Err(VerifyError::UnknownIssuer);
    }
    if !claims.aud.iter().any(|one| **one == *expected.audience) {
        return Err(VerifyError::WrongAudience);
    }
    // An ID token is active too. An answer has no explicit type.
    checks::check_kind(claims, Typ::Absent)?;
    check_client(claims, expected)?;
    checks::check_binding(claims)
}

/// The client is in `client_id` (RFC 7662 §2.2); a `cid` beside it is the token's own claim.
fn check_client(claims: &Claims<'_>, expected: &Expected) -> Result<(), VerifyError> {
    let client_id = claims.client_id.as_deref();
    if let (Some(cid), Some(client_id)) = (claims.cid.as_deref(), client_id)
        && cid != client_id
    {
        return Err(VerifyError::InvalidClaim { claim: "cid" });
    }
    match (&expected.clients, client_id) {
        (Clients::Any, _) => Ok(()),
        (Clients::Listed(_), None) => Err(VerifyError::MissingClaim { claim: "client_id" }),
        (Clients::Listed(allowed), Some(client)) if allowed.iter().any(|one| one == client) => {
            Ok(())
        }
        (Clients::Listed(_), Some(_)) => Err(VerifyError::ClientNotAllowed),
    }
}

const MALFORMED: FetchError = FetchError::Malformed {
    document: "introspection answer",
};
/// A token can become active: its `nbf` comes, or the issuer's servers catch up.
pub(super) const REFUSALS: Duration = Duration::from_secs(5);
const WITHOUT_EXPIRY: Duration = Duration::from_secs(60);
