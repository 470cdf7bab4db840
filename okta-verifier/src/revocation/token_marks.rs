//! [`TokenMarks`]: what revocation rules are compared with, computed once per token.

use std::borrow::Cow;

use super::{epoch::Seen, issuer_rules::IssuerRules, mark::Mark, rule::SubjectClaim};
use crate::token::{SubjectKind, checks::Checked, claims::Claims};

/// What the rules of an issuer can match in one verified token. An absent claim has no mark.
#[derive(Debug)]
pub(crate) struct TokenMarks {
    pub(crate) token: Option<Mark>,
    /// The user by `sub`, by Okta's `uid` and by the email claim.
    pub(crate) subjects: [Option<Mark>; 3],
    pub(crate) session: Option<Mark>,
    pub(crate) client: Option<Mark>,
    /// `iat` in seconds since 1970, rounded down: a token of the second in which a rule begins is rejected.
    pub(crate) issued_at: u64,
    pub(crate) login: Login,
    /// The last second in which every rule about the token is still stored. Later, the token is rejected for its age.
    pub(crate) last_second: u64,
    pub(crate) seen: Seen,
}

impl TokenMarks {
    /// Returns the marks of a token with these claims. The token is young enough for `leeway` seconds longer than the
    /// settings say.
    pub(crate) fn new(
        rules: &IssuerRules,
        claims: &Claims<'_>,
        checked: &Checked<'_>,
        issued_at: u64,
        leeway: u64,
    ) -> Self {
        let text = |name: &str| claims.text(name).filter(|text| !text.is_empty());
        let subject =
            |claim, value: Option<Cow<'_, str>>| value.map(|value| Mark::subject(claim, &value));
        let named = Some(&*checked.subject).filter(|subject| !subject.is_empty());
        let session = rules.session_claim().and_then(text);
        let login = login(checked.subject_kind, rules.login(claims.auth_time));
        Self {
            token: claims.jti.as_deref().map(Mark::token),
            subjects: [
                subject(SubjectClaim::Subject, named.map(Cow::Borrowed)),
                subject(SubjectClaim::OktaUserId, text("uid")),
                subject(SubjectClaim::Email, rules.email_claim().and_then(text)),
            ],
            session: session.as_deref().map(Mark::session),
            client: checked.client_id.as_deref().map(Mark::client),
            issued_at,
            login,
            last_second: rules.last_second(issued_at, login, leeway),
            seen: Seen::default(),
        }
    }

    /// Returns the marks of a token that leaves claims out, whose introspection response has these marks. The date, and
    /// the ID and the client if it names them, are those of the token.
    pub(crate) fn completed_by(
        &self,
        response: &Self,
        rules: &IssuerRules,
        subject_kind: SubjectKind,
        leeway: u64,
    ) -> Self {
        let login = login(subject_kind, response.login);
        Self {
            token: self.token.or(response.token),
            subjects: response.subjects,
            session: response.session,
            client: self.client.or(response.client),
            issued_at: self.issued_at,
            login,
            last_second: rules.last_second(self.issued_at, login, leeway),
            seen: Seen::default(),
        }
    }
}

/// Returns the login that counts. A service has none, so that none is measured.
fn login(subject_kind: SubjectKind, measured: Login) -> Login {
    match subject_kind {
        SubjectKind::Service => Login::NotMeasured,
        SubjectKind::User | SubjectKind::Unknown => measured,
    }
}

/// When the user logged in, for rules about users that are measured by [`Measure::AuthTime`](super::Measure).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The settings measure `iat`, or the token stands for a service.
    NotMeasured,
    /// `auth_time`, in seconds since 1970.
    At(u64),
    /// The token has no `auth_time`, so it counts as older than any rule.
    Unknown,
}
