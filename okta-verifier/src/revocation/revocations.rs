//! [`Revocations`]: the rules of all issuers.

use std::{
    fmt,
    future::{Future, ready},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    ActiveTransmitter, RevocationSnapshot, Rule, Signal, SubjectClaim, TransmitterState,
    issuer_rules::IssuerRules,
    log::{Append, AppendFailed, LogEntry, LogSettings, Record, SharedLog, SharedRules},
    receiver::{Delivery, MAX_EVENT, MAX_HOOK, Receiver, check_method},
    registry::Registry,
    rule::Kind,
    settings::Settings,
};
use crate::{
    http::{EventResponse, Response},
    stats::RevocationStats,
    sync::clock::Now,
};

/// Rules about tokens that are no longer accepted, for one verifier or several. Clones share the rules.
///
/// Build it, give a clone to [`VerifierBuilder::revocations`](crate::VerifierBuilder::revocations), and keep another one
/// to revoke tokens. From then on each token is compared with the rules of its issuer, cached tokens included, and the
/// request is rejected with 401 `invalid_token` and the code `revoked` if one matches. The rules stay when
/// [`Verifier::set_issuers`](crate::Verifier::set_issuers) replaces the issuers.
///
/// A token must have `iat` then, and must not be older than [`longest_token`](super::RevocationsBuilder::longest_token).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Verifier, revocation::{Revocations, Rule, SubjectClaim}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
/// let revocations = Revocations::builder().forgets_at_restart().build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
/// assert!(verifier.verify(&ada).await.is_ok());
///
/// revocations.revoke(Rule::subject(url, SubjectClaim::Subject, "ada")).await?;
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// assert!(verifier.verify(&bob).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    /// Receives the events of the transmitters.
    receiver: Receiver,
    settings: Arc<Settings>,
    /// Locked when rules or issuers change, never for a request.
    registry: Mutex<Registry>,
    /// The number of rules that name an issuer which is not configured.
    unknown_issuer: AtomicU64,
}

/// What became of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Whether more tokens are rejected than before.
    pub(crate) is_changed: bool,
    /// Whether a rule was not held before, so that it may be missing in the shared log.
    pub(crate) is_new: bool,
    /// The number of rules that were not applied, because their issuer is not configured.
    pub(crate) unknown_issuer: u64,
}

/// Why a rule was not applied. The text contains nothing of the rule.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use okta_verifier::revocation::{Revocations, RevokeError, Rule};
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
/// let revocations = Revocations::builder().forgets_at_restart().build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
///
/// assert!(revocations.revoke(Rule::issuer(url)).await.is_ok());
/// let other = Rule::issuer("https://umbrella.okta.com/oauth2/default");
/// assert_eq!(revocations.revoke(other).await, Err(RevokeError::UnknownIssuer));
/// let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
/// assert_eq!(revocations.revoke(Rule::issuer(url).before(tomorrow)).await, Err(RevokeError::InFuture));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// No verifier with these revocations has an issuer of this name.
    #[error(
        "no issuer of this name is configured; write the issuer's URL as in the settings, or one of its aliases"
    )]
    UnknownIssuer,
    /// The rule is about tokens that are issued in the future. A rule cannot be made in advance.
    #[error("the time of the rule is in the future; write the current time or an earlier one")]
    InFuture,
    /// The rule names a session or an email address, and no setting says which claim has it.
    #[error(
        "no setting says which claim has what the rule names; call .session_claim(\"sid\") or .email_claim(\"email\") of the builder"
    )]
    NoClaim,
    /// The rule applies to this instance, but it could not be written to the [shared log](super::RevocationLog). It is
    /// written as soon as that is possible again. Other instances may accept the tokens until then.
    #[error(
        "the shared log is unavailable; the rule applies to this instance and is written to the log later"
    )]
    LogUnavailable,
}

impl Revocations {
    /// Returns a handle that receives no events.
    #[cfg(test)]
    pub(super) fn new(settings: Settings) -> Self {
        let receiver = Receiver::new(Default::default(), Default::default());
        Self::receiving(settings, receiver.expect("there is no setting"), None)
    }

    pub(super) fn receiving(
        mut settings: Settings,
        receiver: Receiver,
        log: Option<LogSettings>,
    ) -> Self {
        Self(Arc::new_cyclic(|inner: &Weak<Inner>| {
            let now = Now::read();
            settings.log = log.map(|log| Arc::new(SharedLog::new(log, inner.clone(), now)));
            settings.streams.0 = receiver.doubting().cloned().collect();
            Inner {
                receiver,
                settings: Arc::new(settings),
                registry: Mutex::default(),
                unknown_issuer: AtomicU64::new(0),
            }
        }))
    }

    /// Rejects the tokens that the rule names, from now on. When this method returns, every later request with such a
    /// token is rejected, and [`Verifier::until_void`](crate::Verifier::until_void) completes for connections.
    ///
    /// With a [shared log](super::RevocationsBuilder::log), the method returns after the log has stored the rule, and all
    /// instances have it within [`max_lag`](super::RevocationsBuilder::max_lag) or do not trust their rules any more.
    /// Without one, the rule applies to this process only. If the service has several instances, each of them needs it.
    ///
    /// # Errors
    ///
    /// Returns an error, and changes nothing, if no issuer of this name is configured, if the time of the rule is in the
    /// future by more than the largest leeway, five minutes, or if the rule names a claim for which a setting is missing.
    /// Returns [`RevokeError::LogUnavailable`] if the rule applies to this process but could not be written to the log.
    pub async fn revoke(&self, rule: Rule) -> Result<(), RevokeError> {
        let now = Now::read();
        if rule.before > now.unix.saturating_add(MAX_LEEWAY) {
            return Err(RevokeError::InFuture);
        }
        if !self.can_match(&rule) {
            return Err(RevokeError::NoClaim);
        }
        let rules = [rule];
        let append = self.announce(now);
        let applied = self.apply_at(&rules, now);
        if applied.unknown_issuer > 0 {
            append.into_iter().for_each(Append::cancel);
            return Err(RevokeError::UnknownIssuer);
        }
        let stored = self.store(append, &rules, Vec::new(), applied, now);
        stored
            .await
            .map_err(|AppendFailed| RevokeError::LogUnavailable)
    }

    /// Returns the shared log, if there is one.
    pub(crate) fn log(&self) -> Option<&Arc<SharedLog>> {
        self.0.settings.log.as_ref()
    }

    /// Announces an append to the shared log, if there is one. Called before rules are applied.
    fn announce(&self, now: Now) -> Option<Append> {
        self.log().map(|log| log.announce(now))
    }

    /// Appends what was applied here to the shared log, if there is one.
    async fn store(
        &self,
        append: Option<Append>,
        rules: &[Rule],
        mut entries: Vec<LogEntry>,
        applied: Applied,
        now: Now,
    ) -> Result<(), AppendFailed> {
        let Some(append) = append else {
            return Ok(());
        };
        let is_new = applied.is_new || !entries.is_empty();
        for rule in rules {
            // An issuer that is not configured here is not written, because it may be anything.
            if !self.registry().named(&rule.issuer).is_empty() {
                let of_rule = rule.entries(now.unix.saturating_add(MAX_LEEWAY));
                entries.extend(of_rule.ok_or(AppendFailed)?);
            }
        }
        append.finish(&entries, is_new).await
    }

    /// Returns whether a token can have what the rule names. Sessions and email addresses need a setting.
    pub(crate) fn can_match(&self, rule: &Rule) -> bool {
        let settings = &self.0.settings;
        let has_claim = |claim| claim != SubjectClaim::Email || settings.email_claim.is_some();
        match &rule.kind {
            Kind::Session { user: None, .. } => settings.session_claim.is_some(),
            Kind::Session {
                user: Some((claim, _)),
                ..
            } => settings.session_claim.is_some() || has_claim(*claim),
            Kind::Subject { claim, .. } | Kind::SubjectAtClient { claim, .. } => has_claim(*claim),
            Kind::Token { .. } | Kind::Client { .. } | Kind::Issuer => true,
        }
    }

    /// Applies rules from an event to this process. Rules about issuers that are not configured are counted.
    pub(crate) fn apply(&self, rules: &[Rule]) -> Applied {
        let applied = self.apply_at(rules, Now::read());
        let unknown = applied.unknown_issuer;
        self.0.unknown_issuer.fetch_add(unknown, Ordering::Relaxed);
        applied
    }

    pub(super) fn apply_at(&self, rules: &[Rule], now: Now) -> Applied {
        let mut applied = Applied::default();
        let mut changed = Vec::new();
        {
            // Held until the rules are applied, so that an issuer that is added meanwhile has them.
            let registry = self.registry();
            for rule in rules {
                let of_issuer = registry.named(&rule.issuer);
                applied.unknown_issuer += u64::from(of_issuer.is_empty());
                for held in of_issuer {
                    changed.push((held.clone(), held.apply(std::iter::once(rule), now)));
                }
            }
        }
        applied.is_changed = changed.iter().any(|(_, change)| change.applied > 0);
        applied.is_new = changed.iter().any(|(_, change)| !change.was_held);
        for (held, change) in changed {
            held.complete(change);
        }
        applied
    }

    /// Receives a security event that a transmitter pushes (RFC 8935), and applies it. Returns the response. The
    /// adapters have routes that call this method: `revocation_routes` of `okta-verifier-axum` and of
    /// `okta-verifier-actix`, and `RevocationService` of `okta-verifier-tower`.
    ///
    /// `authorization` has the value of each field line `Authorization`. `body` is the security event token; a body of
    /// more than [`MAX_EVENT`](Self::MAX_EVENT) bytes need not be complete. The content type does not matter.
    ///
    /// | response | when |
    /// |---|---|
    /// | 202 | the event was applied, has been before, or has no effect; [`transmitters`](Self::transmitters) counts which |
    /// | 400, with `err` and `description` in JSON | the event is not genuine: `authentication_failed`, `invalid_request`, `invalid_key`, `invalid_issuer`, `invalid_audience` or `invalid_state` |
    /// | 405, 413 | the method is not `POST`, the body is too large |
    /// | 503, with `Retry-After` | the keys of the transmitter cannot be fetched; it repeats the event |
    ///
    /// ```
    /// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
    /// use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
    /// # let transmitter = transmitter.keys(okta.jwks());
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// let ada = okta.token("ada").sign();
    ///
    /// // An access token is not an event.
    /// let rejected = revocations.receive_event("POST", [], ada.as_bytes()).await;
    /// assert_eq!(rejected.status(), 400);
    /// assert!(verifier.verify(&ada).await.is_ok());
    ///
    /// let event = okta.session_revoked("ada").sign();
    /// let accepted = revocations.receive_event("POST", [], event.as_bytes()).await;
    /// assert_eq!(accepted.status(), 202);
    /// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive_event<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
        body: &[u8],
    ) -> Response<String> {
        let headers = authorization
            .into_iter()
            .map(|value| (AUTHORIZATION, value));
        self.receive(Signal::SecurityEvent, method, headers, |_| ready(body))
            .await
    }

    /// Receives a request of a sender of this signal, and applies it. Returns the response. The secret or the token in the
    /// header fields is verified first: `read_body` is called only if they are genuine, so that a stranger cannot make
    /// the service read a body, and not for `GET`.
    ///
    /// `headers` has the name and the value of each header field. `read_body` gets the maximum size of the body in bytes,
    /// and returns a future of the body. A larger body need not be complete, but must exceed the size. One that breaks off
    /// must be empty, because it is not an event. The caller limits the time for which the body is read.
    ///
    /// The responses are those of [`receive_event`](Self::receive_event), [`receive_logout`](Self::receive_logout),
    /// [`receive_hook`](Self::receive_hook) and [`receive_universal_logout`](Self::receive_universal_logout). A logout
    /// token has no secret beside it, so its body is always read.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Verifier, revocation::{EventHook, Revocations, Signal}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let secret = "32 random bytes or more, as text";
    /// let hook = EventHook::okta("https://okta.test", secret);
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// # let issuer = okta.issuer().any_client_id();
    /// # let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// # let body = okta.hook("user.lifecycle.suspend", "ada").body();
    ///
    /// let guessed = [("authorization", &b"guessed"[..])];
    /// let never = |_| std::future::pending::<Vec<u8>>();
    /// assert_eq!(revocations.receive(Signal::EventHook, "POST", guessed, never).await.status(), 401);
    ///
    /// let genuine = [("authorization", secret.as_bytes())];
    /// let read_body = async |limit: usize| {
    ///     assert_eq!(limit, Revocations::MAX_HOOK);
    ///     body
    /// };
    /// assert_eq!(revocations.receive(Signal::EventHook, "POST", genuine, read_body).await.status(), 204);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive<'h, F>(
        &self,
        signal: Signal,
        method: &str,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        read_body: impl FnOnce(usize) -> F,
    ) -> Response<String>
    where
        F: Future<Output: AsRef<[u8]>>,
    {
        let headers: Vec<_> = headers.into_iter().collect();
        let authorization = || {
            let values = headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION));
            values.map(|(_, value)| *value)
        };
        let receiver = &self.0.receiver;
        match signal {
            Signal::SecurityEvent => {
                self.begin_work();
                let delivery = async {
                    let senders = receiver.authenticate_event(method, authorization())?;
                    let body = read_body(MAX_EVENT).await;
                    receiver.receive_event(&senders, body.as_ref()).await
                };
                self.deliver(delivery.await).await.into_response()
            }
            Signal::BackChannelLogout => {
                let delivery = async {
                    check_method(method)?;
                    let form = read_body(MAX_EVENT).await;
                    receiver.receive_logout(form.as_ref()).await
                };
                self.deliver(delivery.await).await.into_logout_response()
            }
            Signal::EventHook if method == "GET" => {
                EventResponse::of_verification(receiver.verify_hook(&headers))
            }
            Signal::EventHook => {
                let delivery = async {
                    check_method(method)?;
                    let hook = receiver.authenticate_hook(&headers)?;
                    let body = read_body(MAX_HOOK).await;
                    receiver.receive_hook(hook, body.as_ref())
                };
                self.deliver(delivery.await).await.into_hook_response()
            }
            Signal::UniversalLogout => {
                let delivery = async {
                    let logout = receiver.authenticate_universal_logout(method, authorization());
                    let logout = logout.await?;
                    let body = read_body(MAX_EVENT).await;
                    receiver.receive_universal_logout(&logout, body.as_ref())
                };
                let response = self.deliver(delivery.await).await;
                response.into_universal_logout_response()
            }
        }
    }

    /// Receives a logout token of an OpenID provider (OpenID Connect Back-Channel Logout 1.0 §2.5), and applies it.
    /// Returns the response. `form` is the body of the request; one of more than [`MAX_EVENT`](Self::MAX_EVENT) bytes
    /// need not be complete.
    ///
    /// | response | when |
    /// |---|---|
    /// | 200 | the logout was applied, or has been before |
    /// | 400 | the logout token is missing or not genuine, or is for another client |
    /// | 405, 413 | the method is not `POST`, the body is too large |
    /// | 503, with `Retry-After` | the keys of the provider cannot be fetched |
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Verifier, revocation::{BackChannelLogout, Revocations}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let realm = TestIssuer::keycloak("orders");
    /// # let issuer = realm.issuer().any_client_id();
    /// let logout = BackChannelLogout::new("https://keycloak.test/realms/acme", "web-shop");
    /// let revocations = Revocations::builder().forgets_at_restart().back_channel_logout(logout).build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    ///
    /// let logout_token = realm.logout_token("ada", "web-shop", "session-1").sign();
    /// let form = format!("logout_token={logout_token}");
    /// assert_eq!(revocations.receive_logout("POST", form.as_bytes()).await.status(), 200);
    /// assert_eq!(revocations.receive_logout("GET", form.as_bytes()).await.status(), 405);
    /// assert_eq!(revocations.receive_logout("POST", logout_token.as_bytes()).await.status(), 400); // not a form
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive_logout(&self, method: &str, form: &[u8]) -> Response<String> {
        self.receive(Signal::BackChannelLogout, method, [], |_| ready(form))
            .await
    }

    /// Receives the events of an event hook of Okta, and applies them. Returns the response. `headers` has the name and
    /// the value of each header field, and `body` is the body of the request; one of more than
    /// [`MAX_HOOK`](Self::MAX_HOOK) bytes need not be complete.
    ///
    /// | response | when |
    /// |---|---|
    /// | 200, with JSON | `GET`, with which Okta verifies the hook |
    /// | 204 | the events were applied, or can never be: [`transmitters`](Self::transmitters) counts which |
    /// | 400 | `GET` without the header `X-Okta-Verification-Challenge` |
    /// | 401, with `WWW-Authenticate: Shared-Secret` | the secret is wrong or absent |
    /// | 405 | another method |
    /// | 503, with `Retry-After` | the body is too large or breaks off, or the shared log cannot be written; Okta sends it once more |
    ///
    /// ```
    /// use okta_verifier::revocation::{EventHook, Revocations};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = "32 random bytes or more, as text";
    /// let hook = EventHook::okta("https://acme.okta.com", secret);
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// let challenge = ("x-okta-verification-challenge", &b"abc"[..]);
    ///
    /// let verified = revocations.receive_hook("GET", [("authorization", secret.as_bytes()), challenge], b"").await;
    /// assert_eq!((verified.status().as_u16(), &**verified.body()), (200, r#"{"verification":"abc"}"#));
    /// let rejected = revocations.receive_hook("GET", [("authorization", &b"guessed"[..]), challenge], b"").await;
    /// assert_eq!(rejected.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive_hook<'h>(
        &self,
        method: &str,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        body: &[u8],
    ) -> Response<String> {
        self.receive(Signal::EventHook, method, headers, |_| ready(body))
            .await
    }

    /// The maximum size of a delivery of an event hook in bytes, 1 MiB.
    ///
    /// ```
    /// # use okta_verifier::revocation::{EventHook, Revocations};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = "32 random bytes or more, as text";
    /// # let hook = EventHook::okta("https://acme.okta.com", secret);
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// let send = async |size| {
    ///     let headers = [("authorization", secret.as_bytes())];
    ///     let mut body = b"{}".to_vec();
    ///     body.resize(size, b' ');
    ///     revocations.receive_hook("POST", headers, &body).await.status()
    /// };
    /// assert_eq!(send(Revocations::MAX_HOOK).await, 204); // it has no event
    /// assert_eq!(send(Revocations::MAX_HOOK + 1).await, 503);
    /// # Ok(())
    /// # }
    /// ```
    pub const MAX_HOOK: usize = MAX_HOOK;

    /// Receives a request of Okta's Universal Logout (Global Token Revocation), and applies it. Returns the response.
    /// `authorization` has the value of each field line `Authorization`. `body` is JSON; one of more than
    /// [`MAX_EVENT`](Self::MAX_EVENT) bytes need not be complete.
    ///
    /// | response | when |
    /// |---|---|
    /// | 204 | the user's tokens are rejected from now on, whether or not there is such a user |
    /// | 400 | the body names no user by `email` or `iss_sub`, by `email` without [`email_claim`](super::RevocationsBuilder::email_claim), or a user of another issuer |
    /// | 401 | the token of the request is not genuine, has expired, or is for another endpoint |
    /// | 403 | the token is about another app |
    /// | 405, 413 | the method is not `POST`, the body is too large |
    /// | 503, with `Retry-After` | the keys cannot be fetched, or the shared log cannot be written |
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, UniversalLogout}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let issuer = okta.issuer().any_client_id();
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// let logout = UniversalLogout::okta("https://okta.test", endpoint, "0oa1client");
    /// # let logout = logout.keys(okta.jwks());
    /// let revocations = Revocations::builder().forgets_at_restart().universal_logout(logout).build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    ///
    /// let body = br#"{"sub_id":{"format":"iss_sub","iss":"https://okta.test","sub":"00u1ada"}}"#;
    /// let send = async |client_id: &str| {
    ///     let bearer = format!("Bearer {}", okta.universal_logout(endpoint, client_id).sign());
    ///     revocations.receive_universal_logout("POST", [bearer.as_bytes()], body).await.status()
    /// };
    /// assert_eq!(send("0oa2other").await, 403);
    /// assert_eq!(send("0oa1client").await, 204);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive_universal_logout<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
        body: &[u8],
    ) -> Response<String> {
        let headers = authorization
            .into_iter()
            .map(|value| (AUTHORIZATION, value));
        self.receive(Signal::UniversalLogout, method, headers, |_| ready(body))
            .await
    }

    /// Returns whether there is a sender of this signal, so that an adapter serves a route for it.
    ///
    /// ```
    /// use okta_verifier::revocation::{BackChannelLogout, Revocations, Signal};
    ///
    /// let builder = || Revocations::builder().forgets_at_restart();
    /// let provider = BackChannelLogout::new("https://sso.example.com", "web-shop");
    /// assert!(builder().back_channel_logout(provider).build()?.receives(Signal::BackChannelLogout));
    /// assert!(!builder().build()?.receives(Signal::BackChannelLogout));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn receives(&self, signal: Signal) -> bool {
        self.0.receiver.receives(signal)
    }

    /// Applies the rules of an event, and writes them to the shared log before it is confirmed.
    async fn deliver(&self, delivery: Result<Delivery, EventResponse>) -> EventResponse {
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(response) => return response,
        };
        // The resolver may return these issuers later. They begin with the rules then.
        for issuer in &delivery.unknown_issuers {
            self.rules_of(std::iter::once(&**issuer), 0);
        }
        let now = Now::read();
        let append = self.announce(now);
        let applied = self.apply(&delivery.rules);
        let entries = match append {
            Some(_) => delivery.entries(),
            None => Vec::new(),
        };
        let stored = self.store(append, &delivery.rules, entries, applied, now);
        match stored.await {
            Ok(()) => delivery.confirm(),
            Err(AppendFailed) => delivery.postpone(),
        }
    }

    /// The maximum size of a security event in bytes, 64 KiB.
    ///
    /// ```
    /// # use okta_verifier::revocation::{Revocations, Transmitter};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let transmitter = Transmitter::new("https://sso.example.com").audience("https://api.acme.test");
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// let body = vec![b'a'; Revocations::MAX_EVENT + 1];
    /// assert_eq!(revocations.receive_event("POST", [], &body).await.status(), 413);
    /// # Ok(())
    /// # }
    /// ```
    pub const MAX_EVENT: usize = MAX_EVENT;

    /// Returns what each transmitter has sent, and the status of its stream. For metrics and for alerts.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, Transmitter};
    ///
    /// let transmitter = Transmitter::new("https://sso.example.com/realms/acme").audience("receiver/298781f7");
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// let states = revocations.transmitters();
    /// assert_eq!(states[0].issuer, "https://sso.example.com/realms/acme");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn transmitters(&self) -> Vec<TransmitterState> {
        self.0.receiver.states()
    }

    /// Returns a `state` for a verification event (SSF 1.0 §8.1.4) that this transmitter is to send: send it to the
    /// verification endpoint of the transmitter. Each instance with the same
    /// [`verification_secret`](super::Transmitter::verification_secret) accepts it for a day. Returns `None` if no transmitter
    /// has this issuer, or if it has no such secret.
    ///
    /// ```
    /// use okta_verifier::revocation::{Revocations, Transmitter};
    ///
    /// let transmitter = Transmitter::new("https://sso.example.com/realms/acme")
    ///     .audience("receiver/298781f7")
    ///     .verification_secret("32 random bytes or more, as text");
    /// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
    /// assert!(revocations.verification_state("https://sso.example.com/realms/acme").is_some());
    /// assert!(revocations.verification_state("https://sso.example.com/realms/other").is_none());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn verification_state(&self, issuer: &str) -> Option<String> {
        self.0.receiver.verification_state(issuer, Now::read())
    }

    /// Begins the work in the background that the settings require, unless it has begun already. Without a tokio runtime,
    /// a later call begins it.
    #[inline]
    pub(crate) fn begin_work(&self) {
        for transmitter in self.0.receiver.transmitters() {
            if let Some(verification) = transmitter.verification() {
                verification.begin();
            }
        }
    }

    /// Returns the counters for [`Verifier::stats`](crate::Verifier::stats).
    pub(crate) fn stats(&self) -> RevocationStats {
        RevocationStats {
            unknown_issuer: self.unknown_issuer(),
            transmitters: self.transmitters(),
        }
    }

    /// Returns the transmitters of events about this issuer whose events may be missing.
    pub(crate) fn degraded_streams(&self, issuer: &str, now: Now) -> Vec<String> {
        let concerned = self.0.receiver.transmitters();
        let degraded = concerned.filter(|it| it.concerns(issuer) && it.is_degraded(now));
        degraded.map(|it| it.issuer().to_owned()).collect()
    }

    pub(crate) fn active_transmitters(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        self.0.receiver.transmitters()
    }

    /// Returns the rules of all issuers, to be saved for
    /// [`RevocationsBuilder::snapshot`](super::RevocationsBuilder::snapshot).
    #[must_use]
    pub fn snapshot(&self) -> RevocationSnapshot {
        let issuers = self.all().iter().map(|held| held.snapshot()).collect();
        RevocationSnapshot { issuers }
    }

    /// Adds the rules of a snapshot, for example of another instance. A snapshot never removes a rule.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let instance = || Ok::<_, okta_verifier::ConfigError>({
    /// #     let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// #     let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    /// #     (builder.revocations(revocations.clone()).build()?, revocations)
    /// # });
    /// let ((one, of_one), (two, of_two)) = (instance()?, instance()?);
    /// of_one.revoke(Rule::token(okta.issuer_url(), "token-1")).await?;
    /// let jwt = okta.token("ada").claim("jti", "token-1").sign();
    /// assert!(two.verify(&jwt).await.is_ok());
    ///
    /// of_two.restore(&of_one.snapshot());
    /// assert_eq!(two.verify(&jwt).await.unwrap_err().code(), "revoked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn restore(&self, snapshot: &RevocationSnapshot) {
        let now = Now::read();
        let mut changed = Vec::new();
        {
            let mut registry = self.registry();
            for saved in &snapshot.issuers {
                // An issuer that is configured later begins with these rules.
                registry.rules_of(saved.names.clone(), &self.0.settings, now);
                for name in &saved.names {
                    for held in registry.named(name) {
                        changed.push((held.clone(), held.restore(saved, now)));
                    }
                }
            }
        }
        for (held, change) in changed {
            held.complete(change);
        }
        if let Some(log) = self.log() {
            log.append_all();
        }
    }

    /// Returns the rules of an issuer with these names and this leeway in seconds. It is known from now on.
    pub(crate) fn rules_of<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        leeway: u64,
    ) -> Arc<IssuerRules> {
        let names: Box<[Box<str>]> = names.map(Into::into).collect();
        let now = Now::read();
        let mut registry = self.registry();
        let may_have_dropped = registry.may_have_dropped(&names);
        let rules = registry.rules_of(names, &self.0.settings, now);
        rules.admit_leeway(leeway);
        drop(registry);
        if may_have_dropped && let Some(log) = self.log() {
            log.load_again(now);
        }
        rules
    }

    /// Returns the number of rules from events that were not applied, because no verifier with these revocations has their
    /// issuer. It only grows, and is 0 as long as the issuers that events concern are configured.
    ///
    /// ```
    /// use okta_verifier::revocation::Revocations;
    ///
    /// let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// assert_eq!(revocations.unknown_issuer(), 0);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn unknown_issuer(&self) -> u64 {
        self.0.unknown_issuer.load(Ordering::Relaxed)
    }

    fn all(&self) -> Vec<Arc<IssuerRules>> {
        self.registry().all().cloned().collect()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.0.registry)
    }
}

impl SharedRules for Inner {
    fn apply_entries(&self, entries: &[LogEntry], now: Now) -> u64 {
        let mut ignored = 0;
        let mut records = entries.iter().map(Record::read).peekable();
        while let Some(record) = records.next() {
            let Some(Record::Rule(first)) = record else {
                ignored +=
                    u64::from(!record.is_some_and(|record| self.receiver.merge(&record, now)));
                continue;
            };
            // The rules of one issuer are applied together, because each change is seen by every cached token.
            let mut of_issuer = vec![(first.limit, first.time)];
            let is_same = |next: &Option<Record<'_>>| matches!(next, Some(Record::Rule(next)) if next.issuer == first.issuer);
            while let Some(Some(Record::Rule(next))) = records.next_if(is_same) {
                of_issuer.push((next.limit, next.time));
            }
            let (issuer, settings) = (first.issuer, &self.settings);
            let changed = lock(&self.registry).apply_records(issuer, &of_issuer, settings, now);
            match changed {
                Some(changed) => changed
                    .into_iter()
                    .for_each(|(held, change)| held.complete(change)),
                None => ignored += of_issuer.len() as u64,
            }
        }
        ignored
    }

    fn entries(&self) -> Box<dyn Iterator<Item = LogEntry> + Send> {
        let share_inactive = (self.settings.log.as_ref()).is_some_and(|log| log.shares_inactive());
        let rules: Vec<_> = lock(&self.registry).all().cloned().collect();
        let of_streams = self.receiver.entries();
        let of_issuers = rules
            .into_iter()
            .flat_map(move |held| held.entries(share_inactive));
        Box::new(of_streams.into_iter().chain(of_issuers))
    }
}

fn lock(registry: &Mutex<Registry>) -> MutexGuard<'_, Registry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the issuers only.
impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self.all();
        let issuers: Vec<_> = issuers.iter().map(|held| held.url()).collect();
        f.debug_struct("Revocations")
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}

/// The name of the header field.
const AUTHORIZATION: &str = "authorization";
/// The largest leeway of an issuer, in seconds.
pub(super) const MAX_LEEWAY: u64 = 300;
