//! [`Transmitter`]: the settings of one sender of security events.

use std::{fmt, ops::RangeInclusive, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::{Event, ManagementToken, Reaction, SubjectClaim};
use crate::{
    crypto::{Algorithm, Algorithms},
    error::ConfigError,
};

/// A transmitter of security events (SSF 1.0), which pushes them to this service (RFC 8935).
///
/// The required settings are the issuer of the events and at least one [`audience`](Self::audience). The keys of the
/// transmitter are fetched like those of an issuer of tokens, but apart from them: a flood of forged events delays no
/// token.
///
/// `Debug` omits the secrets.
///
/// ```
/// use okta_verifier::{Issuer, Verifier, revocation::{Revocations, Transmitter}};
///
/// let build = |transmitter| {
///     let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
///     let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
///     Verifier::builder().issuer(issuer).revocations(revocations).build()
/// };
/// let acme = |org| Transmitter::okta(org).audience("https://api.acme.test");
/// assert!(build(acme("https://acme.okta.com")).is_ok());
///
/// // No issuer of the verifier has this host, so the events would reject no token.
/// assert!(build(acme("https://umbrella.okta.com")).is_err());
/// // Without an audience, events for another receiver would be accepted.
/// assert!(build(Transmitter::okta("https://acme.okta.com")).is_err());
/// ```
#[derive(Clone)]
#[must_use]
pub struct Transmitter {
    pub(super) issuer: String,
    pub(super) is_okta: bool,
    pub(super) audiences: Vec<String>,
    pub(super) secrets: Vec<SecretString>,
    pub(super) issuers: Vec<String>,
    pub(super) subject_claim: SubjectClaim,
    pub(super) reactions: Vec<(Event, Reaction)>,
    pub(super) stream_id: Option<String>,
    pub(super) verification_secrets: Vec<SecretString>,
    pub(super) jwks_uri: Option<String>,
    pub(super) keys: Option<String>,
    pub(super) algorithms: Algorithms,
    pub(super) verify_every: Option<(Duration, ManagementToken)>,
    pub(super) silent_after: Option<Duration>,
    pub(super) verification_endpoint: Option<String>,
    pub(super) doubts_when_degraded: bool,
    /// Whether its events are not signed, as those of an event hook.
    pub(super) is_unsigned: bool,
}

impl Transmitter {
    /// Receives the events of an Okta org, whose URL is the issuer of the events, such as `https://acme.okta.com`.
    ///
    /// The keys are at `/oauth2/v1/keys` of the org. The events name users by the claim `uid` of access tokens. They
    /// concern each issuer of the verifier that has the host of the org, also in an alias; see
    /// [`for_issuers`](Self::for_issuers). The audience is `aud` of the stream, which Okta sets.
    pub fn okta(org: impl Into<String>) -> Self {
        Self {
            is_okta: true,
            subject_claim: SubjectClaim::OktaUserId,
            ..Self::new(org)
        }
    }

    /// Receives the events of any other transmitter, such as a realm of Keycloak. `issuer` is the `iss` of the events.
    ///
    /// If the verifier has an issuer of this name, the keys are at the same place as those of its tokens. Otherwise
    /// the metadata of the issuer names them (RFC 8414), or [`jwks_uri`](Self::jwks_uri) does. The events name users
    /// by the claim `sub`, and concern the tokens of the issuer of the same name; see
    /// [`for_issuers`](Self::for_issuers).
    ///
    /// ```
    /// use okta_verifier::{Issuer, Verifier, revocation::{Revocations, Transmitter}};
    ///
    /// let realm = "https://sso.example.com/realms/acme";
    /// let build = |transmitter: Transmitter| {
    ///     let transmitter = transmitter.audience("receiver/298781f7");
    ///     let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    ///     let issuer = Issuer::keycloak(realm, "orders").any_client_id();
    ///     Verifier::builder().issuer(issuer).revocations(revocations).build()
    /// };
    /// assert!(build(Transmitter::new(realm)).is_ok());
    /// // Another realm has the same host but other users.
    /// assert!(build(Transmitter::new("https://sso.example.com/realms/other")).is_err());
    /// ```
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            is_okta: false,
            audiences: Vec::new(),
            secrets: Vec::new(),
            issuers: Vec::new(),
            subject_claim: SubjectClaim::Subject,
            reactions: Vec::new(),
            stream_id: None,
            verification_secrets: Vec::new(),
            jwks_uri: None,
            keys: None,
            algorithms: Algorithms::ALL,
            verify_every: None,
            silent_after: None,
            verification_endpoint: None,
            doubts_when_degraded: false,
            is_unsigned: false,
        }
    }

    /// Returns the settings of a sender of unsigned events, for which the secret alone vouches.
    pub(super) fn unsigned(mut self) -> Self {
        self.is_unsigned = true;
        self
    }

    /// Accepts events with this `aud`. Call this method again for each further audience. Required, because a
    /// transmitter also signs events for other receivers.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Requires this value of the field `Authorization`, which the stream's `authorization_header` sets. By default
    /// the field is not read, and only the signature protects the endpoint.
    ///
    /// The comparison takes constant time. To change the secret, call this method with the old and with the new one.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let transmitter = Transmitter::new(okta.issuer_url())
    ///     .audience("https://api.acme.test")
    ///     .authorization("Bearer s3cr3t-of-the-stream");
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// # let issuer = okta.issuer().any_client_id();
    /// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// // Without the secret, the response says nothing of the event.
    /// let rejected = revocations.receive_event("POST", [], b"").await;
    /// assert!(rejected.body().starts_with(r#"{"err":"authentication_failed""#));
    /// let authorization = [b"Bearer s3cr3t-of-the-stream".as_slice()];
    /// let rejected = revocations.receive_event("POST", authorization, b"").await;
    /// assert!(rejected.body().starts_with(r#"{"err":"invalid_request""#));
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorization(mut self, value: impl Into<String>) -> Self {
        self.secrets.push(value.into().into());
        self
    }

    /// Sets the issuers whose tokens the events concern. Write each one as in the verifier's settings. The default is the
    /// issuer that was passed to the constructor.
    ///
    /// ```
    /// use okta_verifier::{Issuer, Verifier, revocation::{Revocations, Transmitter}};
    ///
    /// let build = |issuer: &str| {
    ///     let transmitter = Transmitter::okta("https://acme.okta.com")
    ///         .audience("https://api.acme.test")
    ///         .for_issuers([issuer]);
    ///     let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    ///     let orders = Issuer::okta("https://login.acme.test/oauth2/orders", "api://orders").any_client_id();
    ///     Verifier::builder().issuer(orders).revocations(revocations).build()
    /// };
    /// assert!(build("https://login.acme.test/oauth2/orders").is_ok());
    /// assert!(build("https://login.acme.test/oauth2/other").is_err());
    /// ```
    pub fn for_issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.issuers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the claim of access tokens with the user ID of an event. The default is that of the constructor. Subjects
    /// with an email address are always compared with the email claim of the settings.
    ///
    /// ```
    /// use okta_verifier::revocation::{SubjectClaim, Transmitter};
    ///
    /// // Okta's `sub` is the user name by default. An org may have set it to the user ID.
    /// let transmitter = Transmitter::okta("https://acme.okta.com")
    ///     .audience("https://api.acme.test")
    ///     .subject_claim(SubjectClaim::Subject);
    /// ```
    pub fn subject_claim(mut self, claim: SubjectClaim) -> Self {
        self.subject_claim = claim;
        self
    }

    /// Sets what an event does, instead of its default. [`Event`] lists the defaults.
    ///
    /// ```
    /// use okta_verifier::revocation::{Event, Reaction, Transmitter};
    ///
    /// // A plain sign-out at Okta names the user only, so it would reject the tokens of all devices of the user.
    /// let transmitter = Transmitter::okta("https://acme.okta.com")
    ///     .audience("https://api.acme.test")
    ///     .on(Event::SessionRevoked, Reaction::Ignore);
    /// ```
    pub fn on(mut self, event: Event, reaction: Reaction) -> Self {
        self.reactions.push((event, reaction));
        self
    }

    /// Sets the ID of the stream. Events about another stream then have no effect on its state. By default each event
    /// about a stream counts.
    ///
    /// ```
    /// use okta_verifier::revocation::Transmitter;
    ///
    /// let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
    ///     .audience("receiver/298781f7-f492-4f81-974a-2a5675e4c1ed")
    ///     .stream_id("298781f7-f492-4f81-974a-2a5675e4c1ed");
    /// ```
    pub fn stream_id(mut self, id: impl Into<String>) -> Self {
        self.stream_id = Some(id.into());
        self
    }

    /// Sets the secret under which [`verification_state`](super::Revocations::verification_state) makes states and
    /// verification events are checked: at least 32 random bytes as text, the same in every instance. Call this
    /// method again with the previous secret to accept its states too. Without it, the `state` of a verification
    /// event is not checked.
    ///
    /// ```
    /// # use okta_verifier::revocation::{Revocations, Transmitter};
    /// let build = |secret: &str| {
    ///     let transmitter = Transmitter::okta("https://acme.okta.com").audience("https://api.acme.test");
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter.verification_secret(secret)).build()
    /// };
    /// assert!(build("32 random bytes or more, as text").is_ok());
    /// assert!(build("too short").is_err());
    /// ```
    pub fn verification_secret(mut self, secret: impl Into<String>) -> Self {
        self.verification_secrets.push(secret.into().into());
        self
    }

    /// Sets the URL of the transmitter's keys, instead of the default of the constructor. It must have https, or http
    /// on loopback if the issuer of the events is there too.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, revocation::{Revocations, Transmitter}};
    /// let build = |url: &str| {
    ///     let transmitter = Transmitter::okta("https://acme.okta.com").audience("https://api.acme.test").jwks_uri(url);
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
    /// };
    /// assert!(build("https://keys.acme.test/org.json").is_ok());
    /// assert!(build("http://keys.acme.test/org.json").is_err());
    /// ```
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Pins the transmitter's keys, a key set in JSON (RFC 7517 §5). They are then never fetched. For tests, and for
    /// services without a connection to the transmitter.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::revocation::{Revocations, Transmitter};
    /// # let jwks = TestIssuer::new("api://orders").jwks();
    /// let build = |keys: &str| {
    ///     let transmitter = Transmitter::okta("https://acme.okta.com").audience("https://api.acme.test").keys(keys);
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
    /// };
    /// assert!(build(&jwks).is_ok());
    /// assert!(build(r#"{"keys":[]}"#).is_err());
    /// ```
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.keys = Some(jwks.into());
        self
    }

    /// Limits the accepted signature algorithms, as [`Issuer::algorithms`](crate::Issuer::algorithms) does for tokens.
    /// Default: all supported algorithms. Each key is used with one algorithm only, an RSA key has at least 2048 bits, and
    /// an unsigned event or one with an HMAC is always rejected.
    ///
    /// ```
    /// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
    /// # use okta_verifier::{Algorithm, Verifier, revocation::{Revocations, Transmitter}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let transmitter = Transmitter::okta("https://okta.test")
    ///     .audience(EVENT_AUDIENCE)
    ///     .algorithms([Algorithm::RS256]);
    /// # let transmitter = transmitter.keys(okta.jwks());
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// # let issuer = okta.issuer().any_client_id();
    /// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    ///
    /// let event = |algorithm| okta.session_revoked("ada").with_token(|token| token.algorithm(algorithm)).sign();
    /// let accepted = revocations.receive_event("POST", [], event(Algorithm::RS256).as_bytes()).await;
    /// assert_eq!(accepted.status(), 202);
    /// let rejected = revocations.receive_event("POST", [], event(Algorithm::ES256).as_bytes()).await;
    /// assert!(rejected.body().starts_with(r#"{"err":"invalid_key""#)); // signed with a published key
    /// # Ok(())
    /// # }
    /// ```
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms
            .into_iter()
            .fold(Algorithms::NONE, Algorithms::with);
        self
    }

    /// Requests a verification event of the stream at this interval (SSF 1.0 §8.1.4), because silence alone does not
    /// show whether the stream works. 1 min to 24 h; most transmitters reject more than one request per minute. It needs
    /// [`stream_id`](Self::stream_id) and [`verification_secret`](Self::verification_secret).
    ///
    /// The requests are sent in the background from the first token, from the first event or from
    /// [`Verifier::warm_up`](crate::Verifier::warm_up) on. A request is put off by an event that another instance of the
    /// service has requested, and failed requests back off. If no event arrives for
    /// [`silent_after`](Self::silent_after), an event with the level `error` says so once,
    /// [`TransmitterState::is_silent`](super::TransmitterState::is_silent) is true, and
    /// [`RevocationHealth::degraded_streams`](crate::health::RevocationHealth::degraded_streams) names the transmitter.
    ///
    /// An event counts from the time when it was requested or issued, so that an old one that is sent again does not hide
    /// a silence.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::revocation::{ManagementToken, Revocations, Transmitter};
    ///
    /// let build = |minutes: u64| {
    ///     let token = ManagementToken::fixed("00aMp1eT0ken"); // has the scope `ssf.manage`
    ///     let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
    ///         .audience("receiver/298781f7")
    ///         .stream_id("298781f7")
    ///         .verification_secret("32 random bytes or more, as text")
    ///         .verify_every(Duration::from_secs(60 * minutes), token);
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
    /// };
    /// assert!(build(10).is_ok());
    /// assert!(build(0).is_err());
    /// ```
    pub fn verify_every(mut self, interval: Duration, token: ManagementToken) -> Self {
        self.verify_every = Some((interval, token));
        self
    }

    /// Sets after how long without a verification event the stream is silent. Default: three intervals of
    /// [`verify_every`](Self::verify_every). At least two intervals, at most 7 days.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::revocation::{ManagementToken, Revocations, Transmitter};
    ///
    /// let build = |minutes: u64| {
    ///     let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
    ///         .audience("receiver/298781f7")
    ///         .stream_id("298781f7")
    ///         .verification_secret("32 random bytes or more, as text")
    ///         .verify_every(Duration::from_secs(600), ManagementToken::fixed("00aMp1eT0ken"))
    ///         .silent_after(Duration::from_secs(60 * minutes));
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
    /// };
    /// assert!(build(60).is_ok());
    /// assert!(build(11).is_err()); // one late event would be a silence
    /// ```
    pub fn silent_after(mut self, time: Duration) -> Self {
        self.silent_after = Some(time);
        self
    }

    /// Sets the URL to which requests for verification events are sent. By default the metadata of the transmitter names
    /// it (`verification_endpoint`, SSF 1.0 §7.1), on the host of the transmitter only. The metadata is fetched from
    /// `/.well-known/ssf-configuration`, before or after the path of the issuer. The URL must have https, or http on
    /// loopback if the issuer of the events is there too.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::revocation::{ManagementToken, Revocations, Transmitter};
    /// let build = |url: &str| {
    ///     let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
    ///         .audience("receiver/298781f7")
    ///         .stream_id("298781f7")
    ///         .verification_secret("32 random bytes or more, as text")
    ///         .verify_every(Duration::from_secs(600), ManagementToken::fixed("00aMp1eT0ken"))
    ///         .verification_endpoint(url);
    ///     Revocations::builder().forgets_at_restart().transmitter(transmitter).build()
    /// };
    /// assert!(build("https://ssf.example.com/verify").is_ok());
    /// assert!(build("http://ssf.example.com/verify").is_err());
    /// ```
    pub fn verification_endpoint(mut self, url: impl Into<String>) -> Self {
        self.verification_endpoint = Some(url.into());
        self
    }

    /// Applies [`RevocationsBuilder::in_doubt`](super::RevocationsBuilder::in_doubt) to the tokens of the issuers that the
    /// events concern while the stream is degraded, because revocation rules may be missing then. By default these tokens
    /// are accepted, and only the log, health and counters show that the stream is degraded.
    ///
    /// | the stream is degraded | until |
    /// |---|---|
    /// | when a `stream-updated` event says `paused` or `disabled` (SSF 1.0 §8.1.5) | one says `enabled` |
    /// | when no verification event has arrived for [`silent_after`](Self::silent_after), which needs [`verify_every`](Self::verify_every) | the next one arrives |
    ///
    /// Events from a time in which the stream was disabled never arrive. Reject the tokens of this time with
    /// [`Rule::issuer`](super::Rule::issuer) if they must not be accepted. With several instances, share a
    /// [`log`](super::RevocationsBuilder::log), so that each of them knows the state of the stream.
    ///
    /// ```
    /// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
    /// use okta_verifier::{Verifier, revocation::{Doubt, Revocations, Transmitter}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE).doubt_when_degraded();
    /// # let transmitter = transmitter.keys(okta.jwks());
    /// let builder = || Revocations::builder().forgets_at_restart().transmitter(transmitter.clone());
    /// assert!(builder().build().is_err()); // what happens to tokens in doubt?
    /// let revocations = builder().in_doubt(Doubt::Reject).build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// let ada = okta.token("ada").sign();
    ///
    /// let update = async |status: &str| {
    ///     let updated = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
    ///     let event = okta.event(updated, "ada").member("status", status).sign();
    ///     revocations.receive_event("POST", [], event.as_bytes()).await.status()
    /// };
    /// assert_eq!(update("paused").await, 202);
    /// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "unavailable"); // 503
    /// assert_eq!(update("enabled").await, 202);
    /// assert!(verifier.verify(&ada).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn doubt_when_degraded(mut self) -> Self {
        self.doubts_when_degraded = true;
        self
    }

    /// Checks the settings that need no verifier.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let lacks_audience = !self.is_unsigned && self.audiences.is_empty();
        let problem = if lacks_audience || self.audiences.iter().any(String::is_empty) {
            "write the `aud` of the events with .audience(..), because the transmitter signs events for other receivers too"
        } else if !self.secrets.iter().all(is_field_value) {
            "authorization: write the value of the field Authorization in printable ASCII, such as \"Bearer\" and a secret"
        } else if self.is_unsigned && !self.secrets.iter().all(is_long) {
            "write an authentication secret of at least 32 random characters"
        } else if !self.verification_secrets.iter().all(is_long) {
            "verification_secret: write at least 32 random bytes as text, the same in every instance"
        } else if self.algorithms == Algorithms::NONE {
            "no algorithm is allowed; remove .algorithms(..) to allow every supported one"
        } else if let Some(problem) = self.verification_problem() {
            problem
        } else {
            return Ok(());
        };
        Err(self.wrong(problem))
    }

    /// Returns what is wrong with the settings of scheduled verification.
    fn verification_problem(&self) -> Option<&'static str> {
        let Some((interval, token)) = &self.verify_every else {
            let has_parts = self.silent_after.is_some() || self.verification_endpoint.is_some();
            return has_parts.then_some(
                "silent_after and verification_endpoint have no effect alone; add .verify_every(..)",
            );
        };
        let silent_after = self.silent_after.unwrap_or(MAX_SILENCE);
        let silences = interval.saturating_mul(2)..=MAX_SILENCE;
        if !INTERVALS.contains(interval) {
            Some("verify_every: write 1 min to 24 h")
        } else if !token.is_usable() {
            Some(
                "verify_every: write the access token without a scheme, as the transmitter has issued it",
            )
        } else if self.stream_id.as_deref().unwrap_or_default().is_empty() {
            Some("verify_every: write the ID of the stream with .stream_id(..)")
        } else if self.verification_secrets.is_empty() {
            Some(
                "verify_every: write a secret with .verification_secret(..), the same in every instance",
            )
        } else if !silences.contains(&silent_after) {
            Some("silent_after: write at least two intervals of verify_every, and at most 7 days")
        } else {
            None
        }
    }

    /// Returns the error for a wrong setting of this transmitter.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::Transmitter {
            issuer: self.issuer.clone(),
            problem: problem.into(),
        }
    }
}

/// Omits the secrets and the pinned keys.
impl fmt::Debug for Transmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmitter")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("issuers", &self.issuers)
            .field("subject_claim", &self.subject_claim)
            .field("reactions", &self.reactions)
            .finish_non_exhaustive()
    }
}

/// Returns whether the secret can be the value of a header: a value that no request can have would reject them all,
/// and an empty one would accept any request with an empty field.
fn is_field_value(secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    !secret.is_empty() && secret.trim() == secret && secret.bytes().all(is_visible)
}

fn is_long(secret: &SecretString) -> bool {
    secret.expose_secret().len() >= MIN_SECRET
}

const MIN_SECRET: usize = 32;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = MINUTE.saturating_mul(24 * 60);
const INTERVALS: RangeInclusive<Duration> = MINUTE..=DAY;
const MAX_SILENCE: Duration = DAY.saturating_mul(7);
