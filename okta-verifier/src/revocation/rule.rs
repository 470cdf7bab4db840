//! [`Rule`]: tokens that are no longer accepted.

use std::{fmt, time::SystemTime};

use super::{
    log::{IssuerRecord, Limit, LogEntry, Record},
    mark::Mark,
};
use crate::sync::clock::wall_clock;

/// Tokens of one issuer that are no longer accepted. Rules only ever add to what is rejected: the same rule twice, or
/// an older one after a newer one, changes nothing.
///
/// The issuer is its URL as in the settings, or one of its aliases. Values are compared byte for byte, and times in
/// whole seconds. `Debug` shows the kind of the rule only.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, revocation::Revocations};
/// use okta_verifier::revocation::{Rule, SubjectClaim};
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
/// # let revocations = Revocations::builder().forgets_at_restart().build()?;
/// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let stolen = okta.token("ada").claim("jti", "AT.stolen").sign();
/// let of_bob = okta.token("bob").claim("uid", "00u1bob").sign();
/// let [eve_on_the_phone, eve] = ["0oa3mobile", "0oa1web"].map(|client| okta.token("eve").client_id(client).sign());
/// let of_client = okta.token("ada").client_id("0oa4retired").sign();
///
/// revocations.revoke(Rule::token(url, "AT.stolen")).await?;
/// revocations.revoke(Rule::subject(url, SubjectClaim::OktaUserId, "00u1bob")).await?;
/// revocations.revoke(Rule::subject_at_client(url, SubjectClaim::Subject, "eve", "0oa3mobile")).await?;
/// revocations.revoke(Rule::client(url, "0oa4retired")).await?;
/// let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
/// revocations.revoke(Rule::issuer(url).before(an_hour_ago)).await?;
///
/// let is_accepted = async |jwt: &str| verifier.verify(jwt).await.is_ok();
/// for rejected in [stolen, of_bob, eve_on_the_phone, of_client] {
///     assert!(!is_accepted(&rejected).await);
/// }
/// assert!(is_accepted(&eve).await);
/// assert!(is_accepted(&okta.token("ada").sign()).await);
/// # Ok(())
/// # }
/// ```
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
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, revocation::Revocations};
/// use okta_verifier::revocation::{Rule, SubjectClaim};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
/// # let revocations = Revocations::builder().forgets_at_restart().build()?;
/// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let rule = |claim| Rule::subject(url, claim, "00u1ada");
/// let jwt = okta.token("ada@acme.test").claim("uid", "00u1ada").sign();
///
/// revocations.revoke(rule(SubjectClaim::Subject)).await?; // no token has this `sub`
/// assert!(verifier.verify(&jwt).await.is_ok());
/// revocations.revoke(rule(SubjectClaim::OktaUserId)).await?;
/// assert!(verifier.verify(&jwt).await.is_err());
/// # Ok(())
/// # }
/// ```
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

    /// Rejects the tokens of this session, and the tokens of this user without a session claim. Without
    /// [`before`](Self::before), the latter are those issued until now.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule, SubjectClaim}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
    /// # let revocations = Revocations::builder().session_claim("sid").forgets_at_restart().build()?;
    /// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// let without_session = okta.token("ada").sign();
    /// let rule = Rule::session_of(url, "session-1", SubjectClaim::Subject, "ada");
    /// revocations.revoke(rule).await?;
    /// revocations.revoke(Rule::session(url, "session-3")).await?;
    ///
    /// let is_accepted = async |jwt: &str| verifier.verify(jwt).await.is_ok();
    /// assert!(!is_accepted(&okta.token("ada").claim("sid", "session-1").sign()).await);
    /// assert!(!is_accepted(&okta.token("bob").claim("sid", "session-3").sign()).await);
    /// assert!(!is_accepted(&without_session).await); // it may be of session-1
    /// assert!(is_accepted(&okta.token("ada").claim("sid", "session-2").sign()).await);
    /// assert!(is_accepted(&okta.token("bob").sign()).await);
    /// # Ok(())
    /// # }
    /// ```
    pub fn session_of(
        issuer: impl Into<String>,
        id: impl Into<String>,
        claim: SubjectClaim,
        user: impl Into<String>,
    ) -> Self {
        Self::new(
            issuer,
            Kind::Session {
                id: id.into().into(),
                user: Some((claim, user.into().into())),
            },
        )
    }

    /// Rejects the tokens of this user at this client. Without [`before`](Self::before), those issued until now.
    pub fn subject_at_client(
        issuer: impl Into<String>,
        claim: SubjectClaim,
        value: impl Into<String>,
        client: impl Into<String>,
    ) -> Self {
        Self::new(
            issuer,
            Kind::SubjectAtClient {
                claim,
                value: value.into().into(),
                client: client.into().into(),
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

    /// Returns the entries of the shared log for this rule, or `None` if its issuer cannot be written. `held_at` is the
    /// time of a rule that ignores dates.
    pub(super) fn entries(&self, held_at: u64) -> Option<Vec<LogEntry>> {
        let entry = |limit, time| {
            let issuer = &*self.issuer;
            Record::Rule(IssuerRecord {
                issuer,
                limit,
                time,
            })
            .entry()
        };
        let Some(marks) = self.kind.marks() else {
            return Some(vec![entry(Limit::Tokens, self.before)?]);
        };
        let of_mark = |mark: Mark| match mark.kind().ignores_dates() {
            true => entry(Limit::Mark(mark), held_at.max(self.before)),
            false => entry(Limit::Mark(mark), self.before),
        };
        marks.into_iter().flatten().map(of_mark).collect()
    }

    fn new(issuer: impl Into<String>, kind: Kind) -> Self {
        Self {
            issuer: issuer.into().into(),
            kind,
            before: wall_clock().as_secs(),
        }
    }
}

/// Omits the values, and the issuer, because an event may name any.
impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Token { .. } => "token",
            Kind::Subject { .. } => "subject",
            Kind::Session { .. } => "session",
            Kind::Client { .. } => "client",
            Kind::SubjectAtClient { .. } => "subject at client",
            Kind::Issuer => "issuer",
        };
        f.debug_struct("Rule")
            .field("kind", &kind)
            .field("before", &self.before)
            .finish_non_exhaustive()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
