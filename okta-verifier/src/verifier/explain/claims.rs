//! The checks of claims that depend on one claim or a few, and the list of all claims.

use super::{
    Entry, Explained,
    report::{self, Report},
};
use crate::{
    error::VerifyError,
    explain::{MAX_CLAIMS, UnverifiedClaim, client, clock, wrong_audience},
    token::{
        checks::{self, Expected},
        claims::Claims,
        json::{self, Object},
        profile::{Provider, Source},
    },
};

impl Explained<'_> {
    pub(super) fn check_dates(
        &self,
        claims: &Claims<'_>,
        expected: &Expected,
        report: &mut Report,
    ) {
        let (dates, leeway) = (claims.dates(), expected.leeway);
        // A date that passed meanwhile is checked at the time that agrees with `verify`.
        let expiry = match self.verdict {
            Err(VerifyError::Expired { .. }) => self.after,
            _ => self.before,
        };
        let start = match self.verdict {
            Err(VerifyError::NotYetValid { .. } | VerifyError::IssuedInFuture { .. }) => {
                self.before
            }
            _ => self.after,
        };
        let results = [
            checks::check_expiry(dates, leeway, expiry.unix),
            checks::check_not_before(dates, leeway, start.unix),
            checks::check_issued_at(dates, leeway, start.unix),
        ];
        let is_expired = results[0].is_err();
        let errors: Vec<VerifyError> = results.into_iter().filter_map(Result::err).collect();
        match errors.first() {
            None => report.pass("dates", report::dates(dates, self.after.unix)),
            Some(error) => {
                let found: Vec<String> = errors.iter().map(report::date).collect();
                report.fail(
                    "dates",
                    error,
                    format!("a token that is valid now (leeway {leeway} s)"),
                    found.join(", "),
                );
                report.hint(clock(dates, is_expired, self.after.unix));
            }
        }
    }

    pub(super) fn check_audience(
        &self,
        claims: &Claims<'_>,
        source: Source,
        entry: &Entry,
        report: &mut Report,
    ) {
        let expected = &entry.issuer.origin.expected;
        let found = report::aud(claims, self.shown);
        if entry.is_ambiguous {
            let error = VerifyError::WrongAudience;
            report.fail(
                "audience",
                &error,
                "the audience of one entry of the issuer",
                found,
            );
            report.hint(Some(
                "the token is for the audiences of several entries; write the audiences that one token may have into one entry"
                    .to_owned(),
            ));
            return;
        }
        match checks::check_audience(claims, source, expected) {
            Ok(_) => report.pass("audience", found),
            Err(error) => {
                report.fail(
                    "audience",
                    &error,
                    self.shown.list(&expected.audiences),
                    found,
                );
                report.hint(wrong_audience(claims, expected));
            }
        }
    }

    /// Checks the kind of token, the client, the caller of an identity token and the subject.
    pub(super) fn check_caller(
        &self,
        claims: &Claims<'_>,
        source: Source,
        expected: &Expected,
        report: &mut Report,
    ) {
        match checks::check_kind(claims, source, expected) {
            Ok(()) => report.pass("kind", "an access token"),
            Err(error) => {
                report.fail(
                    "kind",
                    &error,
                    "an access token",
                    "the claims of another kind of token",
                );
                report.hint(Some(
                    "the client sends its ID token, its refresh token or another JWT; send the access token"
                        .to_owned(),
                ));
            }
        }
        let named = checks::client(claims, source, &expected.profile);
        let id = named.as_ref().ok().and_then(|id| id.as_deref());
        let found = id.map_or("none".to_owned(), |id| self.shown.text(id));
        match checks::check_client(claims, source, expected) {
            Ok(_) => report.pass("client", found),
            Err(error) => {
                let found = match &error {
                    VerifyError::ClientNotAllowed => found,
                    _ => report::defect(&error),
                };
                report.fail(
                    "client",
                    &error,
                    report::clients(expected, self.shown),
                    found,
                );
                report.hint(id.and_then(|id| client(id, claims, expected)));
            }
        }
        if let Some(profile) = expected.custom() {
            match checks::check_provider(claims, profile) {
                Ok(()) => {}
                Err(error) => {
                    let found = match &error {
                        VerifyError::ClientNotAllowed => "a caller that is not listed".to_owned(),
                        _ => report::defect(&error),
                    };
                    report.fail("caller", &error, "a caller that the settings list", found);
                }
            }
        }
        let named = named.ok().flatten();
        match checks::check_subject(claims, named.as_ref(), source, expected) {
            Ok(_) => report.pass("subject", report::subject(claims)),
            Err(error) => {
                report.fail("subject", &error, "a sub", "none");
                if expected.profile.is_of(&Provider::Keycloak) {
                    report.hint(Some(
                        "the client lacks Keycloak's client scope basic, which writes sub"
                            .to_owned(),
                    ));
                }
            }
        }
    }

    /// Returns the first claims of the payload, and the number of the others.
    pub(super) fn claims(&self, payload: &str) -> (Vec<UnverifiedClaim>, usize) {
        let Ok(object) = Object::parse(payload) else {
            return (Vec::new(), 0);
        };
        let members = object.members();
        let left_out = members.len().saturating_sub(MAX_CLAIMS);
        let claim = |(name, value): (&str, &str)| UnverifiedClaim {
            name: self.shown.text(name),
            value: match (json::string(value), json::strings(value)) {
                (Some(text), _) => self.shown.text(&text),
                (_, Some(list)) => self.shown.list(list),
                (None, None) => self.shown.text(value),
            },
            is_hidden: !SHOWN_CLAIMS.contains(&name),
        };
        (members.take(MAX_CLAIMS).map(claim).collect(), left_out)
    }
}

/// The claims whose values are shown by default: none of them is personal data.
const SHOWN_CLAIMS: [&str; 15] = [
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "auth_time",
    "acr",
    "cid",
    "client_id",
    "azp",
    "appid",
    "scope",
    "scp",
    "typ",
    "token_use",
];
