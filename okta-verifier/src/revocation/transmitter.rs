//! [`Transmitter`]: the settings of one sender of security events.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{Event, Reaction, SubjectClaim};
use crate::error::ConfigError;

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

    /// Sets the issuers whose tokens the events concern, as the verifier's settings name them. The default is that
    /// of the constructor.
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
        } else {
            return Ok(());
        };
        Err(self.wrong(problem))
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
