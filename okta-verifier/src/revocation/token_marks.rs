//! [`TokenMarks`]: what revocation rules are compared with, computed once per token.

use super::{epoch::Seen, mark::Mark};

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
    /// The last second in which the token is young enough for the rules to be complete.
    pub(crate) last_second: u64,
    pub(crate) seen: Seen,
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
