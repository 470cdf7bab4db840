//! [`Report`]: the checks of an explanation while they are made, and the texts about what they found.

use crate::{
    error::{MalformedTokenError, VerifyError},
    explain::{Check, Outcome, Shown, duration},
    token::{
        checks::{Clients, Expected},
        claims::{Claims, Dates},
        jws::{self, Header, Typ},
        profile::Profile,
    },
};

/// The checks made so far.
#[derive(Default)]
pub(super) struct Report {
    checks: Vec<Check>,
    is_verified: bool,
}

impl Report {
    pub(super) fn pass(&mut self, name: &'static str, found: impl Into<String>) {
        let found = found.into();
        self.record(name, Outcome::Passed { found }, None);
    }

    /// Records that the signature is that of a key of the issuer.
    pub(super) fn pass_signature(&mut self, key: String) {
        self.pass("signature", key);
        self.is_verified = true;
    }

    pub(super) fn fail(
        &mut self,
        name: &'static str,
        error: &VerifyError,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        let (expected, found) = (expected.into(), found.into());
        self.record(
            name,
            Outcome::Failed { expected, found },
            Some(error.code()),
        );
    }

    /// Records why a check was not made.
    pub(super) fn skip(&mut self, name: &'static str, hint: &str) {
        self.record(name, Outcome::NotReached, None);
        self.hint(Some(hint.to_owned()));
    }

    /// Adds a hint to the last check.
    pub(super) fn hint(&mut self, hint: Option<String>) {
        if let (Some(check), Some(_)) = (self.checks.last_mut(), &hint) {
            check.hint = hint;
        }
    }

    fn record(&mut self, name: &'static str, outcome: Outcome, code: Option<&'static str>) {
        self.checks.push(Check {
            name,
            outcome,
            code,
            hint: None,
            is_unverified: false,
        });
    }

    pub(super) fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| check.code.is_some())
    }

    pub(super) fn was_skipped(&self, name: &str) -> bool {
        let is_skipped = |check: &Check| matches!(check.outcome, Outcome::NotReached);
        self.checks
            .iter()
            .any(|it| it.name == name && is_skipped(it))
    }

    /// Adds the verdict if none of the checks explains it. It then comes from an introspection response, or
    /// from keys or settings that were replaced meanwhile.
    pub(super) fn agree_with(&mut self, verdict: &Result<(), VerifyError>) {
        let Err(error) = verdict else {
            return;
        };
        if self
            .checks
            .iter()
            .all(|check| check.code != Some(error.code()))
        {
            self.checks.retain(|check| check.name != "introspection");
            self.fail(
                "introspection",
                error,
                "a token that is accepted",
                error.to_string(),
            );
        }
    }

    /// Returns every check in the order of the decision, those that were not made included.
    pub(super) fn into_checks(mut self) -> Vec<Check> {
        for name in NAMES {
            if self.checks.iter().all(|check| check.name != name) {
                self.record(name, Outcome::NotReached, None);
            }
        }
        let place = |name: &str| NAMES.iter().position(|it| *it == name);
        self.checks.sort_by_key(|check| place(check.name));
        let signature = place("signature");
        for check in &mut self.checks {
            check.is_unverified = !self.is_verified
                && place(check.name) > signature
                && check.name != "introspection"
                && !matches!(check.outcome, Outcome::NotReached);
        }
        self.checks
    }
}

/// The names of the checks, in the order of the decision.
const NAMES: [&str; 22] = [
    "form",
    "header",
    "encoding",
    "claims",
    "issuer",
    "algorithm",
    "key_id",
    "type",
    "key",
    "signature",
    "dates",
    "required",
    "audience",
    "kind",
    "client",
    "caller",
    "subject",
    "scope",
    "binding",
    "revocation",
    "introspection",
    "sender",
];

/// Describes an error about the form of the token or about its claims, without any value.
pub(super) fn defect(error: &VerifyError) -> String {
    match error {
        VerifyError::Malformed(reason) => reason.to_string(),
        VerifyError::MissingClaim { claim } => format!("no {claim}"),
        VerifyError::InvalidClaim { claim } => {
            format!("{claim} has a type or a value that its definition forbids")
        }
        error => error.to_string(),
    }
}

/// Describes a token that does not have the form of a signed JWT.
pub(super) fn form(token: &[u8], error: &VerifyError) -> String {
    match error {
        VerifyError::Malformed(MalformedTokenError::TooLarge { .. }) => {
            format!("{} bytes", token.len())
        }
        VerifyError::Malformed(MalformedTokenError::Parts) | VerifyError::Encrypted => {
            match jws::parts(token) {
                1 => "one part".to_owned(),
                parts => format!("{parts} parts"),
            }
        }
        error => defect(error),
    }
}

pub(super) fn form_hint(error: &VerifyError) -> Option<String> {
    let hint = match error {
        VerifyError::Malformed(MalformedTokenError::TooLarge { .. }) => {
            "let the issuer write less into the token, such as fewer groups, or raise VerifierBuilder::max_token_size"
        }
        VerifyError::Malformed(MalformedTokenError::Parts | MalformedTokenError::Alphabet) => {
            "the text is not a JWT: an opaque token needs Introspection::opaque_tokens or every_token, and a token may have been cut, quoted or encoded on its way"
        }
        VerifyError::Encrypted => {
            "turn the encryption off at the issuer, or use Introspection::encrypted_tokens"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the `typ` of the token, and those that the settings accept.
pub(super) fn types(header: &Header, expected: &Expected, shown: Shown<'_>) -> (String, String) {
    let found = match (header.typ, &header.other_typ) {
        (Typ::Absent, _) => "none".to_owned(),
        (Typ::Jwt, _) => "JWT".to_owned(),
        (Typ::AccessToken, _) => "at+jwt".to_owned(),
        (Typ::Other, typ) => shown.text(typ.as_deref().unwrap_or_default()),
    };
    let mut accepted = vec!["at+jwt".to_owned()];
    if let Some(profile) = expected.custom() {
        let (types, may_be_absent) = profile.types();
        accepted.extend(types.iter().map(|typ| shown.text(typ)));
        accepted.extend(may_be_absent.then(|| "none".to_owned()));
    }
    if expected.profile == Profile::Okta || expected.introspects_every_token {
        accepted.extend(["JWT", "none"].map(str::to_owned));
    }
    (found, accepted.join(", "))
}

pub(super) fn type_hint(header: &Header) -> String {
    match header.typ {
        Typ::Other => {
            "the typ is that of another kind of JWT, such as a logout token or a DPoP proof; send the access token"
        }
        Typ::Absent | Typ::Jwt | Typ::AccessToken => {
            "Issuer::rfc9068 requires the typ at+jwt; use the constructor of the provider, such as Issuer::okta, keycloak or auth0"
        }
    }
    .to_owned()
}

/// Describes dates that are valid at `now`.
pub(super) fn dates(dates: Dates, now: u64) -> String {
    let expiry = match dates.exp.checked_sub(now) {
        Some(left) => format!("expires in {}", duration(left)),
        None => format!(
            "expired {} ago, within the leeway",
            duration(now - dates.exp)
        ),
    };
    match dates.iat.map(|iat| now.checked_sub(iat)) {
        None => expiry,
        Some(Some(ago)) => format!("{expiry}, issued {} ago", duration(ago)),
        Some(None) => format!("{expiry}, issued in the future, within the leeway"),
    }
}

/// Describes a date that was rejected.
pub(super) fn date(error: &VerifyError) -> String {
    match error {
        VerifyError::Expired { seconds } => format!("expired {} ago", duration(*seconds)),
        VerifyError::NotYetValid { seconds } => {
            format!("not valid for another {}", duration(*seconds))
        }
        VerifyError::IssuedInFuture { seconds } => {
            format!("issued {} in the future", duration(*seconds))
        }
        error => error.to_string(),
    }
}

pub(super) fn aud(claims: &Claims<'_>, shown: Shown<'_>) -> String {
    match &claims.aud {
        None => "none".to_owned(),
        Some(aud) => shown.list(aud),
    }
}

/// Says whether there is a subject, whose value is hidden.
pub(super) fn subject(claims: &Claims<'_>) -> &'static str {
    match claims.sub {
        Some(_) => "present",
        None => "none, which a setting allows",
    }
}

pub(super) fn clients(expected: &Expected, shown: Shown<'_>) -> String {
    match &expected.clients {
        Clients::Any => "any client".to_owned(),
        Clients::Listed(listed) => shown.list(listed),
    }
}
