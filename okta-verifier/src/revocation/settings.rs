//! [`RevocationsBuilder`]: the settings of revocation.

use std::{fmt, ops::RangeInclusive, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use super::{
    ActiveTransmitter, BackChannelLogout, Doubt, EventHook, RevocationLog, RevocationSnapshot,
    Revocations, SharedLog, Transmitter, UniversalLogout,
    log::LogSettings,
    receiver::{ConfiguredClaims, Receiver, Senders},
    revocations::MAX_LEEWAY,
};
use crate::{error::ConfigError, sync::clock::wall_clock};

/// Builder for [`Revocations`].
///
/// The rules are kept in memory, so the settings must say what happens when the process restarts:
/// [`forgets_at_restart`](Self::forgets_at_restart), [`rejects_earlier_tokens`](Self::rejects_earlier_tokens),
/// [`snapshot`](Self::snapshot), or [`log`](Self::log), which is also what several instances share.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::revocation::{Measure, Revocations};
///
/// let revocations = Revocations::builder()
///     .longest_token(Duration::from_secs(60 * 60))
///     .session_claim("sid")
///     .measure(Measure::IssuedAt)
///     .rejects_earlier_tokens()
///     .build()?;
///
/// let saved = None; // the snapshot of the process before, if there is one
/// assert!(Revocations::builder().snapshot(saved).build().is_ok());
///
/// assert!(Revocations::builder().build().is_err()); // what happens at a restart?
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[must_use]
pub struct RevocationsBuilder {
    longest_token: Duration,
    session_claim: Option<String>,
    email_claim: Option<String>,
    measure: Measure,
    capacity: usize,
    forgets: bool,
    rejects_earlier: bool,
    snapshot: Option<Option<RevocationSnapshot>>,
    senders: Senders,
    log: Option<Box<dyn RevocationLog>>,
    max_lag: Option<Duration>,
    doubt: Option<Doubt>,
    share_inactive: Option<bool>,
}

/// With which time of a user's token a rule about the user is compared.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::revocation::{Measure, Revocations};
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let builder = || Revocations::builder().forgets_at_restart();
/// assert!(builder().measure(Measure::AuthTime { longest_login: 30 * day }).build().is_ok());
/// assert!(builder().measure(Measure::AuthTime { longest_login: Duration::ZERO }).build().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// With `iat`, the time when the token was issued (RFC 7519 §4.1.6). A client that refreshes its token is accepted
    /// again. This is the default.
    IssuedAt,
    /// With `auth_time`, the time of the login (RFC 9068 §2.2.1), which stays the same when a token is refreshed. A
    /// refreshed token of the old login is rejected with 401 `insufficient_user_authentication` and a `max_age` (RFC
    /// 9470 §3), so that the client sends the user to log in again. A token without `auth_time` counts as older than
    /// every rule about its user. Tokens of services, and rules about a client or about an issuer, are still measured
    /// by `iat`.
    AuthTime {
        /// The longest time from a login to the end of the last token of this login. Rules are kept for as long. A
        /// token of an older login is rejected.
        longest_login: Duration,
    },
}

/// The settings that the rules of every issuer share.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) longest_token: Duration,
    pub(super) session_claim: Option<Box<str>>,
    pub(super) email_claim: Option<Box<str>>,
    pub(super) measure: Measure,
    /// The maximum number of rules about one issuer.
    pub(super) capacity: usize,
    /// Tokens that were issued at this time or before are rejected. In seconds since 1970.
    pub(super) rejected_before: Option<u64>,
    /// What happens to tokens while rules may be missing.
    pub(super) doubt: Doubt,
    /// What the instances share, or `None` if there is only one.
    pub(super) log: Option<Arc<SharedLog>>,
    /// The transmitters whose degraded stream is a reason for a doubt. A panic leaves nothing half done in them that a
    /// token reads.
    pub(super) streams: AssertUnwindSafe<Box<[Arc<ActiveTransmitter>]>>,
}

impl Settings {
    /// Returns how long a rule can match a token, without the leeway.
    pub(super) fn longest(&self) -> Duration {
        match self.measure {
            Measure::IssuedAt => self.longest_token,
            Measure::AuthTime { longest_login } => self.longest_token.max(longest_login),
        }
    }
}

impl Revocations {
    /// Returns a builder with the default settings.
    pub fn builder() -> RevocationsBuilder {
        RevocationsBuilder {
            longest_token: DEFAULT_LONGEST_TOKEN,
            session_claim: None,
            email_claim: None,
            measure: Measure::IssuedAt,
            capacity: DEFAULT_CAPACITY,
            forgets: false,
            rejects_earlier: false,
            snapshot: None,
            senders: Senders::default(),
            log: None,
            max_lag: None,
            doubt: None,
            share_inactive: None,
        }
    }
}

impl RevocationsBuilder {
    /// Sets the longest time for which the issuers issue access tokens. Default 24 h, the most that Okta allows; 1
    /// min to 31 days.
    ///
    /// A rule is kept for this time and the leeway. A token that was issued longer ago is rejected, also if it has not
    /// expired, because the rule that revoked it may be forgotten already. With a time that is too short, tokens are
    /// therefore rejected before they expire. A longer time than necessary costs only memory.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::Revocations};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let hour = Duration::from_secs(60 * 60);
    /// let revocations = Revocations::builder().longest_token(hour).forgets_at_restart().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations).build()?;
    /// # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    ///
    /// let jwt = okta.token("ada").claim("iat", now - 1_800).expires_in(2 * hour).sign();
    /// assert!(verifier.verify(&jwt).await.is_ok());
    /// let jwt = okta.token("ada").claim("iat", now - 7_200).expires_in(2 * hour).sign();
    /// assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "revoked"); // issued two hours ago
    /// # Ok(())
    /// # }
    /// ```
    pub fn longest_token(mut self, longest: Duration) -> Self {
        self.longest_token = longest;
        self
    }

    /// Sets the claim with the ID of the session, such as `sid` (OpenID Connect Front-Channel Logout 1.0 §3). By
    /// default there is none, and a rule about a session rejects the tokens of its user.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let revocations = Revocations::builder().session_claim("sid").forgets_at_restart().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    ///
    /// revocations.revoke(Rule::session(okta.issuer_url(), "session-1")).await?;
    /// let ended = okta.token("ada").claim("sid", "session-1").sign();
    /// let other = okta.token("ada").claim("sid", "session-2").sign();
    /// assert_eq!(verifier.verify(&ended).await.unwrap_err().code(), "revoked");
    /// assert!(verifier.verify(&other).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn session_claim(mut self, name: impl Into<String>) -> Self {
        self.session_claim = Some(name.into());
        self
    }

    /// Sets the claim with the email address of the user, for rules by
    /// [`SubjectClaim::Email`](super::SubjectClaim::Email). By default there is none, and such a rule matches no token.
    /// The addresses are compared byte for byte.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule, SubjectClaim}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let revocations = Revocations::builder().email_claim("email").forgets_at_restart().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    ///
    /// let revoked = okta.token("ada").claim("email", "ada@acme.test").sign();
    /// let rule = Rule::subject(okta.issuer_url(), SubjectClaim::Email, "ada@acme.test");
    /// revocations.revoke(rule).await?;
    /// assert_eq!(verifier.verify(&revoked).await.unwrap_err().code(), "revoked");
    /// let other = okta.token("ada").claim("email", "ada@umbrella.test").sign();
    /// assert!(verifier.verify(&other).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn email_claim(mut self, name: impl Into<String>) -> Self {
        self.email_claim = Some(name.into());
        self
    }

    /// Sets the time of a token with which rules about its user are compared. Default [`Measure::IssuedAt`].
    pub const fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Sets the maximum number of rules about one issuer. Default 65,536, which take about 3 MB; 1,024 to 16,777,216.
    ///
    /// No rule is evicted: beyond this number, the oldest rules are replaced by one about all tokens of the issuer that
    /// are as old. Clients then need new tokens, and an event with the level `error` says so.
    ///
    /// ```
    /// use okta_verifier::revocation::Revocations;
    ///
    /// assert!(Revocations::builder().capacity(1_000_000).forgets_at_restart().build().is_ok());
    /// assert!(Revocations::builder().capacity(10).forgets_at_restart().build().is_err());
    /// ```
    pub const fn capacity(mut self, rules: usize) -> Self {
        self.capacity = rules;
        self
    }

    /// Accepts that a restart forgets every rule: a revoked token that has not expired is accepted again by the new
    /// process.
    pub const fn forgets_at_restart(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// Rejects every token that was issued before the process started, so that a restart forgets nothing. All clients
    /// need new tokens after each start. Do not use this setting if clients cannot refresh their tokens.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::Revocations};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    /// let revocations = Revocations::builder().rejects_earlier_tokens().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations).build()?;
    ///
    /// let earlier = okta.token("ada").claim("iat", now - 60).sign();
    /// assert_eq!(verifier.verify(&earlier).await.unwrap_err().code(), "revoked");
    /// let later = okta.token("ada").claim("iat", now + 20).sign(); // the leeway admits it already
    /// assert!(verifier.verify(&later).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn rejects_earlier_tokens(mut self) -> Self {
        self.rejects_earlier = true;
        self
    }

    /// Begins with the rules of a [`RevocationSnapshot`] that an earlier process saved, or with none if this is the
    /// first start. What was revoked after the snapshot was saved is forgotten, so save one after each rule, or also
    /// call [`rejects_earlier_tokens`](Self::rejects_earlier_tokens) if none could be read.
    pub fn snapshot(mut self, saved: impl Into<Option<RevocationSnapshot>>) -> Self {
        self.snapshot = Some(saved.into());
        self
    }

    /// Receives the security events of this transmitter, and makes rules of them. Call this method once per transmitter.
    /// The events arrive at [`Revocations::receive_event`].
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, Transmitter};
    ///
    /// let acme = Transmitter::okta("https://acme.okta.com").audience("https://api.acme.test");
    /// let partner = Transmitter::new("https://sso.example.com/realms/acme").audience("receiver/298781f7");
    /// let builder = || Revocations::builder().forgets_at_restart();
    /// assert!(builder().transmitter(acme).transmitter(partner).build().is_ok());
    /// assert!(builder().transmitter(Transmitter::okta("https://acme.okta.com")).build().is_err()); // no audience
    /// ```
    pub fn transmitter(mut self, transmitter: Transmitter) -> Self {
        self.senders.transmitters.push(transmitter);
        self
    }

    /// Receives the logouts of this OpenID provider, and makes rules of them. Call this method once per provider. The
    /// logouts arrive at [`Revocations::receive_logout`].
    ///
    /// ```
    /// use okta_verifier::revocation::{BackChannelLogout, Revocations};
    ///
    /// let provider = BackChannelLogout::new("https://sso.example.com/realms/acme", "web-shop");
    /// let builder = Revocations::builder().session_claim("sid").forgets_at_restart();
    /// assert!(builder.back_channel_logout(provider).build().is_ok());
    /// ```
    pub fn back_channel_logout(mut self, provider: BackChannelLogout) -> Self {
        self.senders.providers.push(provider);
        self
    }

    /// Receives the events of this event hook, and makes rules of them. Call this method once per org. The events arrive
    /// at [`Revocations::receive_hook`].
    ///
    /// ```
    /// use okta_verifier::revocation::{EventHook, Revocations};
    ///
    /// let hook = EventHook::okta("https://acme.okta.com", "32 random bytes or more, as text");
    /// let builder = || Revocations::builder().forgets_at_restart();
    /// assert!(builder().event_hook(hook).build().is_ok());
    /// assert!(builder().event_hook(EventHook::okta("https://acme.okta.com", "short")).build().is_err());
    /// ```
    pub fn event_hook(mut self, hook: EventHook) -> Self {
        self.senders.hooks.push(hook);
        self
    }

    /// Receives the requests of this Universal Logout, and makes rules of them. Call this method once per org. The
    /// requests arrive at [`Revocations::receive_universal_logout`].
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, UniversalLogout};
    ///
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// let logout = UniversalLogout::okta("https://acme.okta.com", endpoint, "0oa1client");
    /// let builder = Revocations::builder().email_claim("email").forgets_at_restart();
    /// assert!(builder.universal_logout(logout).build().is_ok());
    /// ```
    pub fn universal_logout(mut self, logout: UniversalLogout) -> Self {
        self.senders.logouts.push(logout);
        self
    }

    /// Shares the rules with the other instances of the service through this log, such as `RedisRevocationLog` of
    /// `okta-verifier-redis`. By default, rules apply to one process only.
    ///
    /// A rule is confirmed after the log has stored it: [`revoke`](Revocations::revoke) returns, and the sender of an
    /// event gets 202, only then. Each instance reads the log again and again. If it could not for longer than
    /// [`max_lag`](Self::max_lag), rules may be missing, and [`in_doubt`](Self::in_doubt) says what happens to tokens.
    /// A new instance reads the whole log first, so a restart forgets nothing.
    ///
    /// The log is read by a task on the runtime of the first request, of the first event, or of
    /// [`Verifier::warm_up`](crate::Verifier::warm_up), which also loads the log. It ends when the last clone of the
    /// [`Revocations`] is dropped.
    ///
    /// ```
    /// # use okta_verifier_testing::{MemoryRevocationLog, TestIssuer};
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule, SubjectClaim}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let log = MemoryRevocationLog::new();
    /// let instance = || {
    ///     let revocations = Revocations::builder().log(log.clone()).build()?;
    ///     let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    ///     Ok::<_, okta_verifier::ConfigError>((builder.revocations(revocations.clone()).build()?, revocations))
    /// };
    /// let (_, revocations) = instance()?;
    /// revocations.revoke(Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "ada")).await?;
    ///
    /// let (verifier, _) = instance()?;
    /// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
    /// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
    /// assert!(verifier.verify(&bob).await.is_ok());
    ///
    /// assert!(Revocations::builder().log(log.clone()).forgets_at_restart().build().is_err()); // it does not forget
    /// # Ok(())
    /// # }
    /// ```
    pub fn log(mut self, log: impl RevocationLog) -> Self {
        self.log = Some(Box::new(log));
        self
    }

    /// Sets how long ago the shared log must have been read at least, so that the rules count as complete. Default
    /// 10 s; 2 s to 5 min. A rule that another instance has confirmed applies here after this time, or
    /// [`in_doubt`](Self::in_doubt) decides. Usually it applies within half a second.
    ///
    /// ```
    /// use std::time::Duration;
    /// use okta_verifier::revocation::Revocations;
    /// use okta_verifier_testing::MemoryRevocationLog;
    ///
    /// let builder = || Revocations::builder().log(MemoryRevocationLog::new());
    /// assert!(builder().max_lag(Duration::from_secs(30)).build().is_ok());
    /// assert!(builder().max_lag(Duration::from_secs(1)).build().is_err());
    /// ```
    pub const fn max_lag(mut self, lag: Duration) -> Self {
        self.max_lag = Some(lag);
        self
    }

    /// Sets what happens to a token while rules may be missing, because the [shared log](Self::log) could not be read in
    /// time, or because of [`Transmitter::doubt_when_degraded`]. With a shared log the default is [`Doubt::AskIssuer`].
    /// Without a shared log, set both this and `doubt_when_degraded`, or neither.
    ///
    /// ```
    /// use std::time::Duration;
    /// use okta_verifier::revocation::{Doubt, Revocations};
    /// use okta_verifier_testing::MemoryRevocationLog;
    ///
    /// let builder = || Revocations::builder().log(MemoryRevocationLog::new());
    /// assert!(builder().in_doubt(Doubt::AcceptFor(Duration::from_secs(600))).build().is_ok());
    /// assert!(builder().in_doubt(Doubt::AcceptFor(Duration::ZERO)).build().is_err()); // write Doubt::Reject
    /// assert!(Revocations::builder().forgets_at_restart().in_doubt(Doubt::Reject).build().is_err()); // no reason for a doubt
    /// ```
    pub const fn in_doubt(mut self, doubt: Doubt) -> Self {
        self.doubt = Some(doubt);
        self
    }

    /// Sets whether an instance tells the others that the issuer reported a token as inactive (RFC 7662 §2.2). By
    /// default it does not, because a client can revoke any number of its own tokens and send them. Such an entry is
    /// not kept when half of the [`capacity`](Self::capacity) is in use, so that it never takes the room of a rule.
    ///
    /// ```
    /// use okta_verifier::revocation::Revocations;
    /// use okta_verifier_testing::MemoryRevocationLog;
    ///
    /// let builder = Revocations::builder().log(MemoryRevocationLog::new());
    /// assert!(builder.share_inactive(true).build().is_ok());
    /// assert!(Revocations::builder().forgets_at_restart().share_inactive(true).build().is_err()); // no log
    /// ```
    pub const fn share_inactive(mut self, share: bool) -> Self {
        self.share_inactive = Some(share);
        self
    }

    /// Builds the handle. Give a clone of it to
    /// [`VerifierBuilder::revocations`](crate::VerifierBuilder::revocations).
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting, or an error if no setting says what happens at a restart.
    pub fn build(self) -> Result<Revocations, ConfigError> {
        let wrong = |problem| Err(ConfigError::Revocations { problem });
        if !LONGEST_TOKENS.contains(&self.longest_token) {
            return wrong("the longest token must live between 1 min and 31 days");
        }
        if let Measure::AuthTime { longest_login } = self.measure
            && !LONGEST_LOGINS.contains(&longest_login)
        {
            return wrong("the longest login must last between 1 min and 400 days");
        }
        if !CAPACITIES.contains(&self.capacity) {
            return wrong("the capacity must be between 1,024 and 16,777,216 rules");
        }
        for name in [&self.session_claim, &self.email_claim] {
            if name.as_deref() == Some("") {
                return wrong(
                    "the name of a claim is empty; write the name, such as .session_claim(\"sid\")",
                );
            }
        }
        if self.log.is_none() && (self.max_lag.is_some() || self.share_inactive.is_some()) {
            return wrong(
                "max_lag and share_inactive are about a shared log; add .log(..), or remove them",
            );
        }
        let mut transmitters = self.senders.transmitters.iter();
        let doubting = transmitters.find(|it| it.doubts_when_degraded);
        match (self.log.is_some(), doubting, self.doubt) {
            (false, None, Some(_)) => {
                return wrong(
                    "in_doubt has no effect without a shared log and without a transmitter with .doubt_when_degraded(); add one of them, or remove in_doubt",
                );
            }
            (false, Some(transmitter), None) => {
                return Err(transmitter.wrong(
                    "doubt_when_degraded needs .in_doubt(..) of the builder, which sets what happens to tokens in doubt",
                ));
            }
            _ => {}
        }
        let max_lag = self.max_lag.unwrap_or(DEFAULT_MAX_LAG);
        if !MAX_LAGS.contains(&max_lag) {
            return wrong("the maximum lag of the shared log must be between 2 s and 5 min");
        }
        let doubt = self.doubt.unwrap_or_default();
        if let Doubt::AcceptFor(time) = doubt
            && !ACCEPTED_FOR.contains(&time)
        {
            return wrong(
                "Doubt::AcceptFor must last between 1 s and 24 h; write Doubt::Reject to accept no token in doubt",
            );
        }
        let keeps = self.rejects_earlier || self.snapshot.is_some() || self.log.is_some();
        match (self.forgets, keeps) {
            (false, false) => {
                return wrong(
                    "nothing says what happens to the rules at a restart; call .rejects_earlier_tokens(), .snapshot(..), .log(..) or .forgets_at_restart()",
                );
            }
            (true, true) => {
                return wrong(
                    "the rules are both kept and forgotten at a restart; remove .forgets_at_restart()",
                );
            }
            _ => {}
        }
        let settings = Settings {
            longest_token: self.longest_token,
            session_claim: self.session_claim.map(Into::into),
            email_claim: self.email_claim.map(Into::into),
            measure: self.measure,
            capacity: self.capacity,
            rejected_before: self.rejects_earlier.then(|| wall_clock().as_secs()),
            doubt,
            log: None,
            streams: AssertUnwindSafe(Box::default()),
        };
        // A rule may be made for a time that is ahead of this clock by the leeway, and is kept for the leeway too.
        let keep = settings.longest() + Duration::from_secs(2 * MAX_LEEWAY);
        let log = self.log.map(|log| LogSettings {
            log: AssertUnwindSafe(log),
            max_lag,
            share_inactive: self.share_inactive.unwrap_or_default(),
            keep,
        });
        let claims = ConfiguredClaims {
            email: settings.email_claim.is_some(),
            session: settings.session_claim.is_some(),
        };
        let receiver = Receiver::new(self.senders, claims)?;
        let revocations = Revocations::receiving(settings, receiver, log);
        if let Some(saved) = self.snapshot.flatten() {
            revocations.restore(&saved);
        }
        Ok(revocations)
    }
}

/// Omits the rules of the snapshot.
impl fmt::Debug for RevocationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationsBuilder")
            .field("longest_token", &self.longest_token)
            .field("session_claim", &self.session_claim)
            .field("email_claim", &self.email_claim)
            .field("measure", &self.measure)
            .field("capacity", &self.capacity)
            .field("transmitters", &self.senders.transmitters)
            .field("event_hooks", &self.senders.hooks)
            .field("universal_logouts", &self.senders.logouts)
            .finish_non_exhaustive()
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_LONGEST_TOKEN: Duration = DAY;
const LONGEST_TOKENS: RangeInclusive<Duration> = Duration::from_secs(60)..=DAY.saturating_mul(31);
const LONGEST_LOGINS: RangeInclusive<Duration> = Duration::from_secs(60)..=DAY.saturating_mul(400);
const DEFAULT_CAPACITY: usize = 65_536;
const DEFAULT_MAX_LAG: Duration = Duration::from_secs(10);
const MAX_LAGS: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(300);
const ACCEPTED_FOR: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;
const CAPACITIES: RangeInclusive<usize> = 1_024..=16_777_216;
