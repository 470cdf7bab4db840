//! [`Rule`]: tokens that are no longer accepted.

use std::time::SystemTime;

/// Tokens of one issuer that are no longer accepted. Rules only ever add to what is rejected: the same rule twice, or
/// an older one after a newer one, changes nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) issuer: Box<str>,
    pub(crate) kind: Kind,
    /// Tokens that were issued at this time or before are rejected. Seconds since 1970. Not read for
    /// [`Kind::Token`], nor for a token with the session's id.
    pub(crate) before: u64,
}

/// What a rule is about. The values are compared with the claims of a token byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Token {
        jti: Box<str>,
    },
    Subject {
        claim: SubjectClaim,
        value: Box<str>,
    },
    /// The user's tokens are rejected by `before` if they have no session claim.
    Session {
        id: Box<str>,
        user: Option<(SubjectClaim, Box<str>)>,
    },
    Client {
        id: Box<str>,
    },
    SubjectAtClient {
        claim: SubjectClaim,
        value: Box<str>,
        client: Box<str>,
    },
    Issuer,
}

/// The claim of the access token that names the user of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectClaim {
    /// `sub` (RFC 7519 §4.1.2). Keycloak's events name this one.
    Subject,
    /// `uid`, the user's id in Okta's access tokens. Okta's events name this one.
    OktaUserId,
    /// The claim that the settings name for email addresses.
    Email,
}

impl Rule {
    /// Rejects the token with this `jti` (RFC 7519 §4.1.7).
    pub fn token(issuer: impl Into<String>, jti: impl Into<String>) -> Self {
        Self::new(
            issuer,
            Kind::Token {
                jti: jti.into().into(),
            },
        )
    }

    /// Rejects the tokens of this user. Without [`before`](Self::before), those issued until now.
    pub fn subject(
        issuer: impl Into<String>,
        claim: SubjectClaim,
        value: impl Into<String>,
    ) -> Self {
        Self::new(
            issuer,
            Kind::Subject {
                claim,
                value: value.into().into(),
            },
        )
    }

    /// Rejects the tokens of this session, the value of the session claim (`sid`), whenever they were issued.
    pub fn session(issuer: impl Into<String>, id: impl Into<String>) -> Self {
        Self::new(
            issuer,
            Kind::Session {
                id: id.into().into(),
                user: None,
            },
        )
    }

    /// Rejects the tokens of this client. Without [`before`](Self::before), those issued until now.
    pub fn client(issuer: impl Into<String>, id: impl Into<String>) -> Self {
        Self::new(
            issuer,
            Kind::Client {
                id: id.into().into(),
            },
        )
    }

    /// Rejects all tokens of the issuer. Without [`before`](Self::before), those issued until now.
    pub fn issuer(issuer: impl Into<String>) -> Self {
        Self::new(issuer, Kind::Issuer)
    }

    /// Rejects tokens that were issued at this time or before, instead of until now.
    #[must_use]
    pub fn before(mut self, time: SystemTime) -> Self {
        self.before = seconds(time);
        self
    }

    fn new(issuer: impl Into<String>, kind: Kind) -> Self {
        Self {
            issuer: issuer.into().into(),
            kind,
            before: seconds(SystemTime::now()),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
