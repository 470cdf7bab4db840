//! [`EventHook`], and what the events of Okta's event hooks mean for tokens.

use std::fmt;

use super::{
    Reaction, SubjectClaim, Transmitter,
    hook_body::HookEvent,
    stream::Ignored,
    subject::{Subject, User},
};
use crate::{error::ConfigError, http::HeaderName};

/// An event hook of an Okta org, which tells the service about users and apps: among others that a user was suspended
/// or deactivated, of which no [`Transmitter`] tells. The events arrive at
/// [`Revocations::receive_hook`](super::Revocations::receive_hook).
///
/// Event hooks are not signed. Anyone who knows the secret can reject tokens, so use a long random one.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Verifier, revocation::{EventHook, Revocations}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().any_client_id();
/// let secret = "32 random bytes or more, as text";
/// let hook = EventHook::okta("https://okta.test", secret);
/// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let ada = okta.token("ada").sign();
///
/// let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
/// let send = async |secret: &str| {
///     let headers = [("Authorization", secret.as_bytes())];
///     revocations.receive_hook("POST", headers, suspended.as_bytes()).await.status()
/// };
/// assert_eq!(send("wrong").await, 401);
/// assert!(verifier.verify(&ada).await.is_ok());
/// assert_eq!(send(secret).await, 204);
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct EventHook {
    pub(super) transmitter: Transmitter,
    header: String,
    reactions: Vec<(String, Reaction)>,
}

impl EventHook {
    /// Returns the settings for the hooks of this org, such as `https://acme.okta.com`. `secret` is the *authentication
    /// secret* of the hook: at least 32 printable ASCII characters.
    pub fn okta(org: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            transmitter: Transmitter::okta(org).authorization(secret).unsigned(),
            header: "authorization".to_owned(),
            reactions: Vec::new(),
        }
    }

    /// Accepts this secret too, so that the secret of the hook can be changed.
    ///
    /// ```
    /// # use okta_verifier::revocation::{EventHook, Revocations};
    /// let hook = EventHook::okta("https://acme.okta.com", "the secret of today, 32 characters or more");
    /// let builder = || Revocations::builder().forgets_at_restart();
    /// let both = hook.clone().secret("the secret of tomorrow, 32 characters or more");
    /// assert!(builder().event_hook(both).build().is_ok());
    /// assert!(builder().event_hook(hook.secret("short")).build().is_err());
    /// ```
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.transmitter = self.transmitter.authorization(secret);
        self
    }

    /// Sets the header with the secret, the *authentication field* of the hook. Default `Authorization`.
    ///
    /// ```
    /// # use okta_verifier::revocation::{EventHook, Revocations};
    /// let hook = EventHook::okta("https://acme.okta.com", "32 random bytes or more, as text");
    /// let builder = || Revocations::builder().forgets_at_restart();
    /// assert!(builder().event_hook(hook.clone().header("X-Hook-Secret")).build().is_ok());
    /// assert!(builder().event_hook(hook.header("X Hook Secret")).build().is_err());
    /// ```
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.header = name.into();
        self
    }

    /// Sets the issuers whose tokens the events concern. Default: the issuers of the verifier with the host of the org.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{EventHook, Revocations}};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let secret = "32 random bytes or more, as text";
    /// let build = |hook| {
    ///     let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    ///     Verifier::builder().issuer(okta.issuer().any_client_id()).revocations(revocations).build()
    /// };
    /// let hook = || EventHook::okta("https://acme.okta.com", secret); // the issuer has another host
    /// assert!(build(hook()).is_err());
    /// assert!(build(hook().for_issuers([okta.issuer_url()])).is_ok());
    /// ```
    pub fn for_issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.transmitter = self.transmitter.for_issuers(issuers);
        self
    }

    /// Sets the claim with the ID that the events name users by. Default [`SubjectClaim::OktaUserId`].
    ///
    /// ```
    /// use okta_verifier::revocation::{EventHook, Revocations, SubjectClaim};
    ///
    /// let hook = EventHook::okta("https://acme.okta.com", "32 random bytes or more, as text");
    /// let hook = hook.subject_claim(SubjectClaim::Subject); // a claim mapping writes the ID into `sub`
    /// assert!(Revocations::builder().forgets_at_restart().event_hook(hook).build().is_ok());
    /// ```
    pub fn subject_claim(mut self, claim: SubjectClaim) -> Self {
        self.transmitter = self.transmitter.subject_claim(claim);
        self
    }

    /// Sets what an event of this type does, such as `user.risk.change`, instead of the default.
    /// [`Reaction::IssuedBefore`] rejects the tokens that were issued before the event: those of the user for a type
    /// without a default, and those of the table below otherwise. The events name no session, so
    /// [`Reaction::Session`] does the same.
    ///
    /// | type | tokens that are rejected by default |
    /// |---|---|
    /// | `user.session.end`, `user.session.clear`, `user.authentication.universal_logout`, `user.account.lock`, `.lock.limit`, `.update_password`, `.reset_password`, `user.lifecycle.deactivate`, `.suspend`, `.delete.initiated`, `.delete.completed`, `user.mfa.factor.deactivate`, `.reset_all` | those of the user |
    /// | `application.user_membership.remove`, `app.oauth2.as.consent.revoke` and the types that begin with it | those of the user at the client, or all of the user if the event names no client |
    /// | `application.lifecycle.deactivate`, `application.lifecycle.delete` | those of the client |
    /// | all others | none |
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{EventHook, Reaction, Revocations}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let secret = "32 random bytes or more, as text";
    /// let hook = EventHook::okta("https://okta.test", secret)
    ///     .on("user.session.end", Reaction::Ignore) // a plain sign-out
    ///     .on("user.risk.change", Reaction::IssuedBefore);
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// # let issuer = okta.issuer().any_client_id();
    /// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// let ada = okta.token("ada").sign();
    /// let send = async |event: &str| {
    ///     let body = okta.hook(event, "ada").body();
    ///     revocations.receive_hook("POST", [("authorization", secret.as_bytes())], body.as_bytes()).await
    /// };
    /// send("user.session.end").await;
    /// assert!(verifier.verify(&ada).await.is_ok());
    /// send("user.risk.change").await;
    /// assert!(verifier.verify(&ada).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(mut self, event: impl Into<String>, reaction: Reaction) -> Self {
        self.reactions.push((event.into(), reaction));
        self
    }

    /// Checks the settings that a transmitter does not have, and returns the name of the header.
    pub(super) fn checked_header(&self) -> Result<HeaderName, ConfigError> {
        let name = HeaderName::try_from(&*self.header);
        name.map_err(|_| {
            self.transmitter
                .wrong("header: write the name of a header field")
        })
    }

    /// Returns which tokens an event of this type concerns, and the name of the type for counters.
    fn concern(&self, event: &str) -> (&'static str, Result<Concern, Ignored>) {
        let known = TYPES.iter().find(|(name, _)| is_of_type(event, name));
        let (name, default) = known.map_or((OTHER, None), |(name, concern)| (*name, *concern));
        // The last setting for an event counts.
        let mut set = self.reactions.iter().rev();
        let concern = match set.find(|(it, _)| it == event) {
            Some((_, Reaction::Ignore)) => Err(Ignored::Reaction),
            Some((_, Reaction::IssuedBefore | Reaction::Session)) => {
                Ok(default.unwrap_or(Concern::User))
            }
            None if known.is_none() => Err(Ignored::UnknownEvent),
            None => default.ok_or(Ignored::Reaction),
        };
        (name, concern)
    }

    /// Returns the name of an event for counters, and the tokens that it concerns.
    pub(super) fn tokens(&self, event: HookEvent) -> (&'static str, Result<Tokens, Ignored>) {
        let (name, concern) = self.concern(&event.event_type);
        let tokens = match event.is_success {
            true => concern.and_then(|concern| Tokens::of(concern, event)),
            false => Err(Ignored::Outcome),
        };
        (name, tokens)
    }
}

/// Omits the secrets.
impl fmt::Debug for EventHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHook")
            .field("transmitter", &self.transmitter)
            .field("header", &self.header)
            .field("reactions", &self.reactions)
            .finish()
    }
}

/// The tokens that an event concerns.
pub(super) enum Tokens {
    Users(Subject),
    Clients(Vec<Box<str>>),
    /// Users and clients, of which each pair is concerned.
    UsersAtClients(Subject, Vec<Box<str>>),
}

/// Which tokens a type of event is about.
#[derive(Clone, Copy)]
enum Concern {
    User,
    UserAtClient,
    Client,
}

impl Tokens {
    fn of(concern: Concern, event: HookEvent) -> Result<Self, Ignored> {
        let HookEvent { users, clients, .. } = event;
        if let Concern::Client = concern {
            return match clients.is_empty() {
                true => Err(Ignored::NoSubject),
                false => Ok(Self::Clients(clients)),
            };
        }
        if users.is_empty() {
            return Err(Ignored::NoSubject);
        }
        let user = |id| User::Id { iss: None, id };
        let subject = Subject {
            users: users.into_iter().map(user).collect(),
            ..Subject::default()
        };
        Ok(match concern {
            Concern::UserAtClient if !clients.is_empty() => Self::UsersAtClients(subject, clients),
            _ => Self::Users(subject),
        })
    }
}

/// Returns whether the type is `name`, or one of the types that begin with it if it is that of a revoked consent.
fn is_of_type(event: &str, name: &str) -> bool {
    let rest = event.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || name == CONSENT && rest.starts_with('.'))
}

/// The known types, and which tokens they concern by default.
const TYPES: [(&str, Option<Concern>); 27] = [
    ("user.session.end", Some(Concern::User)),
    ("user.session.clear", Some(Concern::User)),
    ("user.authentication.universal_logout", Some(Concern::User)),
    ("user.account.lock", Some(Concern::User)),
    // The user must be unlocked by an administrator.
    ("user.account.lock.limit", Some(Concern::User)),
    ("user.account.update_password", Some(Concern::User)),
    ("user.account.reset_password", Some(Concern::User)),
    ("user.lifecycle.deactivate", Some(Concern::User)),
    ("user.lifecycle.suspend", Some(Concern::User)),
    ("user.lifecycle.delete.initiated", Some(Concern::User)),
    ("user.lifecycle.delete.completed", Some(Concern::User)),
    ("user.mfa.factor.deactivate", Some(Concern::User)),
    ("user.mfa.factor.reset_all", Some(Concern::User)),
    (
        "application.user_membership.remove",
        Some(Concern::UserAtClient),
    ),
    (CONSENT, Some(Concern::UserAtClient)),
    ("application.lifecycle.deactivate", Some(Concern::Client)),
    ("application.lifecycle.delete", Some(Concern::Client)),
    ("user.lifecycle.unsuspend", None),
    ("user.lifecycle.activate", None),
    ("user.account.unlock", None),
    ("user.account.unlock_by_admin", None),
    ("user.mfa.factor.activate", None),
    ("user.mfa.factor.update", None),
    ("user.mfa.factor.suspend", None),
    ("user.mfa.factor.unsuspend", None),
    ("user.risk.change", None),
    ("user.risk.detect", None),
];
const CONSENT: &str = "app.oauth2.as.consent.revoke";
const OTHER: &str = "other";
