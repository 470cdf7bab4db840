//! `EventBuilder`: builds security event tokens (RFC 8417), as Okta or another transmitter sends them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::edits::Edits;
use crate::keys::random_name;
use crate::listener;
use crate::test_issuer::TestIssuer;
use crate::token::{TokenBuilder, unix_now, user_id};

/// The audience of every event, unless [`audience`](EventBuilder::audience) sets another one.
///
/// ```
/// use okta_verifier::revocation::Transmitter;
/// use okta_verifier_testing::EVENT_AUDIENCE;
///
/// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
/// ```
pub const EVENT_AUDIENCE: &str = "https://receiver.test";

/// A builder for a security event token. The token is valid unless a method changes it.
///
/// An event of an Okta issuer has the form of Okta's events: the issuer is the org, the subject stands inside the
/// event and has the `uid` of the user's access tokens, and the time is in milliseconds. An event of any other issuer
/// has the issuer of its access tokens, a `sub_id` with their `sub`, and a time in seconds, as Keycloak writes it.
///
/// ```
/// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
/// # use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let okta = TestIssuer::new("api://orders");
/// let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE).keys(okta.jwks());
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// let issuer = okta.issuer().any_client_id();
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
///
/// let forged = okta.session_revoked("ada").foreign_key().sign();
/// assert_eq!(revocations.receive_event("POST", [], forged.as_bytes()).await.status(), 400);
/// assert!(verifier.verify(&ada).await.is_ok());
///
/// let event = okta.session_revoked("ada").sign();
/// assert_eq!(revocations.receive_event("POST", [], event.as_bytes()).await.status(), 202);
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// assert!(verifier.verify(&bob).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the builder does nothing until `.sign()` is called"]
pub struct EventBuilder {
    token: TokenBuilder,
    is_okta: bool,
    issuer: String,
    uri: String,
    audience: Value,
    user: Value,
    session: Option<String>,
    subject: Option<Value>,
    subject_in_event: bool,
    issued_at: u64,
    /// In milliseconds since 1970.
    happened_at: u64,
    payload: Edits,
    claims: Edits,
}

impl EventBuilder {
    /// `name` is the URI of the event, or the name of an event of CAEP.
    pub(crate) fn new(
        token: TokenBuilder,
        issuer: &str,
        is_okta: bool,
        name: &str,
        subject: &str,
    ) -> Self {
        listener::public(issuer);
        let id = match is_okta {
            true => user_id(subject),
            false => subject.to_owned(),
        };
        let uri = match name.contains(':') {
            true => name.to_owned(),
            false => format!("{CAEP}{name}"),
        };
        listener::public(&uri);
        listener::public(EVENT_AUDIENCE);
        Self {
            token: token.unregistered().typ("secevent+jwt"),
            is_okta,
            issuer: issuer.to_owned(),
            uri,
            audience: json!(EVENT_AUDIENCE),
            user: json!({"format": "iss_sub", "iss": issuer, "sub": id}),
            session: None,
            subject: None,
            subject_in_event: is_okta,
            issued_at: unix_now(),
            happened_at: unix_now() * 1_000 + 643,
            payload: Edits::default(),
            claims: Edits::default(),
        }
    }

    /// Sets the only audience. The default is [`EVENT_AUDIENCE`].
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let not_ours = okta.session_revoked("ada").audience("https://other.test").sign();
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = json!(audience.into());
        self
    }

    /// Names one session of the user, in a complex subject. Keycloak's ID of all sessions is `ALL`.
    ///
    /// ```
    /// # let keycloak = okta_verifier_testing::TestIssuer::keycloak("orders-api");
    /// let one = keycloak.session_revoked("ada").session("session-1").sign();
    /// let all = keycloak.session_revoked("ada").session("ALL").sign();
    /// ```
    pub fn session(mut self, id: impl Into<String>) -> Self {
        self.session = Some(id.into());
        self
    }

    /// Sets the whole subject to any value, including a malformed one.
    ///
    /// # Panics
    ///
    /// Panics if `subject` cannot be serialized as JSON.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let subject = [("format", "email"), ("email", "ada@acme.test")];
    /// let subject = std::collections::BTreeMap::from(subject);
    /// let event = okta.session_revoked("ada").subject(subject).sign();
    /// ```
    pub fn subject(mut self, subject: impl Serialize) -> Self {
        self.subject = Some(serde_json::to_value(subject).expect("the subject has a JSON form"));
        self
    }

    /// Writes the subject into the event, as Okta does, or into the claim `sub_id`, as the standard says.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").subject_in_event(false).sign();
    /// ```
    pub fn subject_in_event(mut self, in_event: bool) -> Self {
        self.subject_in_event = in_event;
        self
    }

    /// Sets when the event happened. The default is the current time. The token is issued at the current time.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// use std::time::{Duration, SystemTime};
    ///
    /// let late = okta.session_revoked("ada").happened_at(SystemTime::now() - Duration::from_secs(600)).sign();
    /// ```
    pub fn happened_at(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.happened_at =
            u64::try_from(since.as_millis()).expect("the time is before the year 500,000,000");
        self
    }

    /// Sets a member of the event, such as `credential_type`, to any value.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.credential_change("ada").member("change_type", "revoke").sign();
    /// ```
    pub fn member(mut self, name: &str, value: impl Serialize) -> Self {
        self.payload.set(name, value);
        self
    }

    /// Removes a member of the event, such as `event_timestamp`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").without_member("event_timestamp").sign();
    /// ```
    pub fn without_member(mut self, name: &str) -> Self {
        self.payload.remove(name);
        self
    }

    /// Sets a claim of the token to any value.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").claim("txn", "8675309").sign();
    /// ```
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        self.claims.set(name, value);
        self
    }

    /// Removes a claim of the token.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").without("jti").sign();
    /// ```
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    /// Sets `typ`. The default is `secevent+jwt`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let not_an_event = okta.session_revoked("ada").typ("logout+jwt").sign();
    /// ```
    pub fn typ(mut self, typ: &str) -> Self {
        self.token = self.token.typ(typ);
        self
    }

    /// Changes the signature or the header with a method of [`TokenBuilder`]. Its methods for claims have no effect.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let unsigned = okta.session_revoked("ada").with_token(|token| token.unsigned()).sign();
    /// ```
    pub fn with_token(mut self, change: impl FnOnce(TokenBuilder) -> TokenBuilder) -> Self {
        self.token = change(self.token);
        self
    }

    /// Signs with a key that the issuer does not publish, under the `kid` of a published key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let forged = okta.session_revoked("ada").foreign_key().sign();
    /// ```
    pub fn foreign_key(self) -> Self {
        self.with_token(TokenBuilder::foreign_key)
    }

    /// Signs with a key that the issuer does not publish, under a new `kid`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let forged = okta.session_revoked("ada").unpublished_key().sign();
    /// ```
    pub fn unpublished_key(self) -> Self {
        self.with_token(TokenBuilder::unpublished_key)
    }

    /// Signs the event and returns it in compact form.
    ///
    /// # Panics
    ///
    /// Panics if the issuer has no signing key because all were withdrawn.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").sign();
    /// assert_eq!(event.split('.').count(), 3);
    /// ```
    #[must_use]
    pub fn sign(self) -> String {
        let subject = match (self.subject, self.session) {
            (Some(subject), _) => subject,
            (None, None) => self.user,
            (None, Some(id)) => {
                let session = json!({"format": "opaque", "id": id});
                json!({"format": "complex", "user": self.user, "session": session})
            }
        };
        let happened_at = match self.is_okta {
            true => self.happened_at,
            false => self.happened_at / 1_000,
        };
        let mut payload = Map::new();
        payload.insert("event_timestamp".to_owned(), json!(happened_at));
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(self.issuer));
        claims.insert("jti".to_owned(), json!(random_name()));
        claims.insert("iat".to_owned(), json!(self.issued_at));
        claims.insert("aud".to_owned(), self.audience);
        match self.subject_in_event {
            true => payload.insert("subject".to_owned(), subject),
            false => claims.insert("sub_id".to_owned(), subject),
        };
        self.payload.apply(&mut payload);
        claims.insert("events".to_owned(), json!({ self.uri: payload }));
        self.claims.apply(&mut claims);
        let json = Value::Object(claims).to_string();
        self.token.raw_payload(json).sign()
    }
}

/// Events that the issuer sends as a transmitter.
impl TestIssuer {
    /// Returns the URL of the Okta org, which is the `iss` of its events. For another issuer, it is the issuer.
    ///
    /// ```
    /// let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// assert_eq!(okta.org_url(), "https://okta.test");
    /// ```
    #[must_use]
    pub fn org_url(&self) -> &str {
        match self.is_okta() {
            true => org(self.issuer_url()),
            false => self.issuer_url(),
        }
    }

    /// Returns a builder for an event about a user: the URI of the event, or the name of an event of CAEP 1.0, such as
    /// `session-revoked`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let purged = "https://schemas.openid.net/secevent/risc/event-type/account-purged";
    /// let event = okta.event(purged, "ada").sign();
    /// ```
    pub fn event(&self, name: &str, subject: impl AsRef<str>) -> EventBuilder {
        let subject = subject.as_ref();
        EventBuilder::new(
            self.token(subject),
            self.org_url(),
            self.is_okta(),
            name,
            subject,
        )
    }

    /// Returns a builder for the event that sessions of this user were revoked.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.session_revoked("ada").sign();
    /// ```
    pub fn session_revoked(&self, subject: impl AsRef<str>) -> EventBuilder {
        self.event("session-revoked", subject)
    }

    /// Returns a builder for a logout token of OpenID Connect Back-Channel Logout 1.0, with the claims that Keycloak
    /// writes: the user with this `sub` was logged out of the client, in the session with this `sid`. It is for the
    /// issuer of tokens, so it is not an event of an Okta org.
    ///
    /// ```
    /// # let realm = okta_verifier_testing::TestIssuer::keycloak("orders");
    /// let logout = realm.logout_token("ada", "web-shop", "session-1").sign();
    /// let without_sid = realm.logout_token("ada", "web-shop", "").without("sid").sign();
    /// ```
    pub fn logout_token(
        &self,
        subject: impl AsRef<str>,
        client_id: impl AsRef<str>,
        sid: impl AsRef<str>,
    ) -> EventBuilder {
        let (subject, client_id) = (subject.as_ref(), client_id.as_ref());
        let (issuer, token) = (self.issuer_url(), self.token(subject));
        listener::public(client_id);
        EventBuilder::new(token, issuer, false, LOGOUT, subject)
            .typ("logout+jwt")
            .audience(client_id)
            .without("sub_id")
            .without_member("event_timestamp")
            .claim("sub", subject)
            .claim("sid", sid.as_ref())
            .claim("exp", unix_now() + 120)
    }

    /// Returns a builder for the event that the password of this user was changed.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.credential_change("ada").sign();
    /// ```
    pub fn credential_change(&self, subject: impl AsRef<str>) -> EventBuilder {
        password_change(self.event("credential-change", subject))
    }
}

pub(crate) fn password_change(event: EventBuilder) -> EventBuilder {
    event
        .member("credential_type", "password")
        .member("change_type", "update")
}

/// Returns the part of an issuer's URL before its path.
pub(crate) fn org(issuer: &str) -> &str {
    let start = issuer.find("://").map_or(0, |colon| colon + 3);
    let end = issuer[start..]
        .find('/')
        .map_or(issuer.len(), |slash| start + slash);
    &issuer[..end]
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
