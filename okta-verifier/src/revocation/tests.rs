//! The rules of one issuer, and the rules of all issuers.

mod flood;
mod model;
mod registry;
mod rules;
mod shared_log;
mod shared_log_model;

use super::{
    epoch::Seen,
    mark::Mark,
    rule::SubjectClaim,
    settings::{Measure, Settings},
    token_marks::{Login, TokenMarks},
};
use std::time::Duration;

/// The claims of a token that rules can match.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    pub(super) jti: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) email: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) client: Option<String>,
    pub(super) iat: u64,
    pub(super) auth_time: Option<u64>,
    pub(super) is_service: bool,
}

impl Claims {
    /// Returns the marks, as of a token that is not too old.
    pub(super) fn marks(&self, login: Login) -> TokenMarks {
        let subject = |claim, value: &Option<String>| {
            let value = value.as_deref();
            value.map(|value| Mark::subject(claim, value))
        };
        TokenMarks {
            token: self.jti.as_deref().map(Mark::token),
            subjects: [
                subject(SubjectClaim::Subject, &self.sub),
                subject(SubjectClaim::OktaUserId, &self.uid),
                subject(SubjectClaim::Email, &self.email),
            ],
            session: self.sid.as_deref().map(Mark::session),
            client: self.client.as_deref().map(Mark::client),
            issued_at: self.iat,
            login,
            last_second: u64::MAX,
            seen: Seen::default(),
        }
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        longest_token: Duration::from_secs(3_600),
        session_claim: Some("sid".into()),
        email_claim: Some("email".into()),
        measure: Measure::IssuedAt,
        capacity: 1_024,
        rejected_before: None,
        doubt: Default::default(),
        log: None,
        streams: std::panic::AssertUnwindSafe(Box::default()),
    }
}
