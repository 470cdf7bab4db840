//! [`ActiveTransmitter`]: whether an event of a transmitter is genuine, and which rules it makes.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};
use url::{Origin, Url};

use super::{
    Event, Reaction, Rule, StreamStatus, SubjectClaim, Transmitter,
    currency::Overdue,
    event_hook::Tokens,
    event_token::{Claim, EventToken},
    receiver::ConfiguredClaims,
    rule,
    stream::{Ignored, Stream, Warning},
    subject::{Session, Subject, SubjectProblem, User},
    verification::{States, Verification},
};
use crate::{
    crypto::MacKey,
    error::{ConfigError, UnavailableReason, VerifyError, cause},
    http::EventResponse,
    keys::{KeyLookup, KeyOptions, KeySet, KeyStore},
    net::PlainHttp,
    stats::transmitters::TransmitterState,
    sync::clock::Now,
    token::{
        json::{self, Object},
        jws::Jws,
    },
};

/// One transmitter in use.
pub(crate) struct ActiveTransmitter {
    settings: Transmitter,
    /// The MACs of the secrets.
    secrets: Vec<[u8; 32]>,
    pub(super) states: Arc<States>,
    /// `None` if no verification events are requested.
    verification: Option<Arc<Verification>>,
    /// The origin of an Okta org. `None` for another transmitter.
    org: Option<Origin>,
    pinned: Option<Arc<KeySet>>,
    /// Set when the first verifier uses the receiver.
    keys: OnceLock<KeyStore>,
    targets: ArcSwap<Vec<Target>>,
    pub(super) stream: Arc<Stream>,
}

/// An issuer of tokens whose users the events name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The issuer as rules name it.
    pub(crate) url: Box<str>,
    /// All its names, aliases included.
    pub(crate) names: Vec<Box<str>>,
    /// Whether the verifier has the issuer. Otherwise its resolver may return it.
    pub(crate) is_known: bool,
}

/// What one event of a token does.
pub(super) enum Effect {
    Rules,
    /// The stream was alive at this time, in seconds since 1970.
    Verified {
        at: u64,
    },
    Status {
        status: StreamStatus,
        said: u64,
    },
    Ignored(Ignored),
}

impl ActiveTransmitter {
    pub(super) fn new(
        settings: Transmitter,
        comparison: &MacKey,
        stream: Arc<Stream>,
    ) -> Result<Arc<Self>, ConfigError> {
        let url = Url::parse(&settings.issuer).ok().filter(|url| {
            let is_written_like_this = settings.issuer.bytes().all(|byte| byte.is_ascii_graphic());
            is_written_like_this
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        let url = url.ok_or_else(|| settings.wrong(NOT_A_URL))?;
        let is_org = url.path() == "/" && !settings.issuer.ends_with('/');
        if settings.is_okta && !is_org {
            let org = url.origin().ascii_serialization();
            return Err(settings.wrong(format!(
                "the issuer of Okta's events is the org; write {org}"
            )));
        }
        let loopback = PlainHttp::new(true, Vec::new()).for_requests(&url);
        if !loopback.allows(&url) {
            return Err(settings.wrong("write https; http is for transmitters on loopback"));
        }
        for (name, configured) in [
            ("jwks_uri", &settings.jwks_uri),
            ("verification_endpoint", &settings.verification_endpoint),
        ] {
            if let Some(configured) = configured
                && !Url::parse(configured).is_ok_and(|url| loopback.allows(&url))
            {
                let problem = format!("{name}: write an absolute https URL");
                return Err(settings.wrong(problem));
            }
        }
        let pinned = settings.keys.as_deref().map(|jwks| {
            KeySet::parse(jwks.as_bytes(), KeyOptions::default())
                .map_err(|error| settings.wrong(format!("keys: {error}")))
        });
        let mac = |secret: &SecretString| comparison.sign(secret.expose_secret().as_bytes());
        let states = States::new(&settings.issuer, &settings.verification_secrets);
        let states = Arc::new(states);
        Ok(Arc::new(Self {
            secrets: settings.secrets.iter().map(mac).collect(),
            verification: Verification::new(&settings, &states),
            states,
            org: settings.is_okta.then(|| url.origin()),
            pinned: pinned.transpose()?.map(Arc::new),
            keys: OnceLock::new(),
            targets: ArcSwap::default(),
            stream,
            settings,
        }))
    }

    /// Returns the issuer of the events, as configured.
    pub(crate) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Returns the error for an issuer that is not a URL.
    pub(crate) fn wrong_issuer(&self) -> ConfigError {
        self.settings.wrong(NOT_A_URL)
    }

    /// Returns the issuers that the verifier does not have yet.
    pub(super) fn unknown_issuers(&self) -> Vec<Box<str>> {
        let targets = self.targets.load();
        let unknown = targets.iter().filter(|target| !target.is_known);
        unknown.map(|target| target.url.clone()).collect()
    }

    /// Returns the issuers of tokens that everything of this transmitter concerns.
    pub(super) fn concerned_issuers(&self) -> Vec<Box<str>> {
        let targets = self.targets.load();
        targets.iter().map(|target| target.url.clone()).collect()
    }

    pub(super) fn subject_claim(&self) -> SubjectClaim {
        self.settings.subject_claim
    }

    /// Returns the URL of the keys, if it is known without metadata.
    pub(crate) fn jwks_uri(&self) -> Option<String> {
        let of_org = || format!("{}/oauth2/v1/keys", self.settings.issuer);
        let configured = self.settings.jwks_uri.clone();
        configured.or_else(|| self.settings.is_okta.then(of_org))
    }

    /// Returns the URL to which requests for verification events are sent, if it is known without metadata.
    pub(crate) fn verification_endpoint(&self) -> Option<String> {
        self.settings.verification_endpoint.clone()
    }

    /// Returns the scheduled verification of the stream, if the settings require it.
    pub(crate) fn verification(&self) -> Option<&Arc<Verification>> {
        self.verification.as_ref()
    }

    /// Returns whether events may be missing: the stream is paused, disabled or silent.
    pub(super) fn is_degraded(&self, now: Now) -> bool {
        self.stream.was_degraded(now) || self.silence(now).is_err()
    }

    /// Returns an error with the time of the silence if the stream is silent. Otherwise returns the time until it is silent
    /// if no verification event arrives, or `None` if that is not known yet.
    fn silence(&self, now: Now) -> Result<Option<Duration>, Overdue> {
        match self.verification() {
            Some(verification) => verification.silence(now),
            None => Ok(Some(Duration::MAX)),
        }
    }

    /// Returns whether a degraded stream is a reason for a doubt about tokens.
    pub(super) fn doubts_when_degraded(&self) -> bool {
        self.settings.doubts_when_degraded
    }

    /// Returns for how long the stream has been degraded, or `None` if it is not. Logs the change.
    #[cold]
    pub(super) fn doubt(&self, now: Now) -> Option<Overdue> {
        let (doubt, has_changed) = self.stream.doubt(now, || self.silence(now));
        let transmitter = self.issuer();
        match (has_changed, &doubt) {
            (false, _) => {}
            (true, Some(_)) => tracing::error!(
                transmitter,
                "revocation rules may be missing, because the stream of security events is paused, disabled or silent"
            ),
            (true, None) => tracing::info!(
                transmitter,
                "the stream of security events is no longer paused, disabled or silent"
            ),
        }
        doubt
    }

    /// Logs that a doubt has begun or ended.
    pub(super) fn report_doubt(&self, now: Now) {
        if self.doubts_when_degraded() {
            let _ = self.doubt(now);
        }
    }

    /// Returns whether the events concern the tokens of this issuer.
    pub(super) fn concerns(&self, issuer: &str) -> bool {
        let targets = self.targets.load();
        targets.iter().any(|target| *target.url == *issuer)
    }

    /// Returns the counters, and the state of the stream.
    pub(super) fn state(&self, now: Now) -> TransmitterState {
        let state = self.stream.snapshot(self.issuer());
        match self.verification() {
            None => state,
            Some(verification) => TransmitterState {
                is_silent: verification.is_silent(now),
                silences: verification.silences(),
                verification_requests: verification.request_stats(),
                ..state
            },
        }
    }

    /// Returns the keys of the settings, if they are pinned.
    pub(crate) fn pinned(&self) -> Option<KeyStore> {
        self.pinned.clone().map(KeyStore::Pinned)
    }

    /// Returns whether the keys must be set before a token can be verified.
    pub(crate) fn needs_keys(&self) -> bool {
        !self.settings.is_unsigned && self.keys.get().is_none()
    }

    /// Sets the keys, unless another verifier has set them.
    pub(crate) fn set_keys(&self, keys: KeyStore) {
        // Both stores would fetch the same keys.
        let _ = self.keys.set(keys);
    }

    /// Chooses the issuers of a verifier whose tokens the events concern. Those of another verifier stay. If
    /// `is_open`, the verifier accepts further issuers that are not known yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the events concern none of the issuers.
    pub(crate) fn choose_targets(
        &self,
        known: &[Target],
        is_open: bool,
    ) -> Result<(), ConfigError> {
        let names = |target: &&Target, name: &str| target.names.iter().any(|it| **it == *name);
        let listed = match &self.settings.issuers[..] {
            [] if self.org.is_none() => std::slice::from_ref(&self.settings.issuer),
            listed => listed,
        };
        let mut chosen = Vec::new();
        for name in listed {
            match known.iter().find(|target| names(target, name)) {
                Some(target) => chosen.push(target.clone()),
                None if is_open => chosen.push(Target {
                    url: name.as_str().into(),
                    names: vec![name.as_str().into()],
                    is_known: false,
                }),
                None => {
                    return Err(self.settings.wrong(format!(
                        "the verifier has no issuer {name:?}; write .for_issuers([..]) with the issuers whose tokens the events concern"
                    )));
                }
            }
        }
        if listed.is_empty() {
            let is_of_org = |target: &&Target| target.names.iter().any(|name| self.is_of_org(name));
            chosen.extend(known.iter().filter(is_of_org).cloned());
        }
        if chosen.is_empty() {
            return Err(self.settings.wrong(
                "no issuer of the verifier has the host of this org; write .for_issuers([..]), or .also_known_as(..) at the issuer",
            ));
        }
        self.targets.rcu(|targets| {
            let mut targets = Vec::clone(targets);
            for target in &chosen {
                match targets.iter_mut().find(|it| it.url == target.url) {
                    Some(known) => *known = target.clone(),
                    None => targets.push(target.clone()),
                }
            }
            targets
        });
        Ok(())
    }

    /// Returns whether the URL has the origin of the Okta org.
    fn is_of_org(&self, url: &str) -> bool {
        let origin = Url::parse(url).map(|url| url.origin());
        self.org.is_some() && self.org.as_ref() == origin.ok().as_ref()
    }

    /// Returns whether the value of `Authorization` is one of the secrets, or no secret is set.
    pub(super) fn accepts(&self, value: Option<&[u8]>, comparison: &MacKey) -> bool {
        if self.secrets.is_empty() {
            return true;
        }
        let value = value.unwrap_or_default();
        // Every secret is compared, so that the time does not show which one is similar.
        let matches = self
            .secrets
            .iter()
            .filter(|mac| comparison.verifies(value, *mac));
        matches.count() > 0
    }

    /// Returns whether both transmitters have a secret in common.
    pub(super) fn shares_secret(&self, other: &Self) -> bool {
        self.secrets.iter().any(|mac| other.secrets.contains(mac))
    }

    /// Verifies the signature. `is_acceptable` says whether the claims would be accepted.
    pub(super) async fn verify(
        &self,
        jws: &Jws<'_>,
        is_acceptable: &(dyn Fn() -> bool + Sync),
        now: Now,
    ) -> Result<(), EventResponse> {
        if !self.settings.algorithms.allow(jws.header.algorithm) {
            return Err(EventResponse::InvalidKey);
        }
        let Some(keys) = self.keys.get() else {
            return Err(EventResponse::Unavailable {
                retry_after: REPEAT_AFTER,
            });
        };
        let lookup = KeyLookup {
            kid: jws.header.kid.as_deref(),
            algorithm: jws.header.algorithm,
            arrived: now,
            // A token that would be rejected anyway causes no fetch. The budget is that of this transmitter.
            acceptable: is_acceptable,
            tried: None,
        };
        match keys.find_or_fetch(lookup).await {
            Ok(key) => key
                .verify(jws.signed, &jws.signature)
                .map_err(|_| EventResponse::InvalidKey),
            Err(VerifyError::Unavailable {
                retry_after,
                source,
            }) => {
                self.log_unavailable(&source);
                Err(EventResponse::Unavailable { retry_after })
            }
            Err(_) => Err(EventResponse::InvalidKey),
        }
    }

    /// Checks that the token is of this transmitter and for this receiver.
    pub(super) fn check_receiver(&self, token: &EventToken<'_>) -> Result<(), EventResponse> {
        if token.iss.as_deref() != Some(self.issuer()) {
            return Err(EventResponse::InvalidIssuer);
        }
        match self.is_audience(token) {
            true => Ok(()),
            false => Err(EventResponse::InvalidAudience),
        }
    }

    /// Returns whether the token is for this receiver.
    pub(super) fn is_audience(&self, token: &EventToken<'_>) -> bool {
        let is_ours = |aud: &str| self.settings.audiences.iter().any(|own| own == aud);
        token.aud.iter().any(|aud| is_ours(aud))
    }

    /// Checks the claims that say whether the token is for this receiver and may be valid now. A token of any age
    /// is valid, because a late event is better than none.
    pub(super) fn check(&self, token: &EventToken<'_>, now: Now) -> Result<(), EventResponse> {
        self.check_receiver(token)?;
        let is_past = |exp: u64| exp.saturating_add(LEEWAY) <= now.unix;
        let is_future = |iat: u64| iat > now.unix.saturating_add(LEEWAY);
        let Some(mut events) = token.events() else {
            return Err(EventResponse::InvalidToken);
        };
        let has_time = token.iat.is_some() || events.any(|it| token.happened(&it).is_some());
        if token.exp.is_some_and(is_past) || token.iat.is_some_and(is_future) || !has_time {
            return Err(EventResponse::InvalidToken);
        }
        Ok(())
    }

    /// Returns whether the subject of an event is a stream other than that of the settings.
    fn is_of_other_stream(&self, token: &EventToken<'_>, event: &Claim<'_>) -> bool {
        let Some(own) = &self.settings.stream_id else {
            return false;
        };
        let subject = token.subject(event).and_then(|it| Subject::parse(it).ok());
        let id = subject.and_then(|subject| subject.opaque);
        id.is_some_and(|id| *id != **own)
    }

    /// Checks a verification event (SSF 1.0 §8.1.4).
    ///
    /// # Errors
    ///
    /// Returns an error if the state is not one of this service.
    pub(super) fn verification_event(
        &self,
        token: &EventToken<'_>,
        event: &Claim<'_>,
        now: Now,
    ) -> Result<Effect, EventResponse> {
        if self.is_of_other_stream(token, event) {
            return Ok(Effect::Ignored(Ignored::OtherStream));
        }
        // A transmitter may send verification events of its own, without a state.
        let issued = token.iat.or_else(|| token.happened(event)).unwrap_or(0);
        let state = event.payload.as_ref().and_then(|it| it.present("state"));
        let Some(state) = state.filter(|_| self.states.are_checked()) else {
            return Ok(Effect::Verified { at: issued });
        };
        let state = json::string(state).ok_or(EventResponse::InvalidState)?;
        let requested = self.states.time_of(&state, now);
        // The clock of the transmitter may be behind, but its event was sent after the request.
        let requested = requested.ok_or(EventResponse::InvalidState)?;
        Ok(Effect::Verified {
            at: issued.max(requested),
        })
    }

    /// Reads the status of the stream (SSF 1.0 §8.1.5). Keycloak writes an object with a member `status`.
    pub(super) fn stream_update(
        &self,
        token: &EventToken<'_>,
        event: &Claim<'_>,
        said: u64,
    ) -> Effect {
        if self.is_of_other_stream(token, event) {
            return Effect::Ignored(Ignored::OtherStream);
        }
        let status = event.payload.as_ref().and_then(|it| it.present("status"));
        let nested = status.and_then(|it| Object::parse(it).ok());
        let status = match &nested {
            Some(nested) => nested.present("status"),
            None => status,
        };
        let status = status.and_then(json::string);
        match status.and_then(|name| StreamStatus::named(&name)) {
            Some(status) => Effect::Status { status, said },
            None => Effect::Ignored(Ignored::Status),
        }
    }

    /// Returns the rules of an event that happened at `before`.
    pub(super) fn rules(
        &self,
        event: Event,
        token: &EventToken<'_>,
        claim: &Claim<'_>,
        before: u64,
        claims: ConfiguredClaims,
    ) -> Result<Vec<Rule>, Ignored> {
        // The last setting for an event counts.
        let mut set = self.settings.reactions.iter().rev();
        let set = set.find(|(it, _)| *it == event).map(|(_, set)| *set);
        let reaction = event.reaction(claim.payload.as_ref(), set);
        if reaction == Reaction::Ignore {
            return Err(Ignored::Reaction);
        }
        let subject = token.subject(claim).ok_or(Ignored::NoSubject)?;
        let subject = Subject::parse(subject).map_err(|problem| match problem {
            SubjectProblem::Absent => Ignored::NoSubject,
            SubjectProblem::Unknown => Ignored::UnknownSubject,
            SubjectProblem::Unmatchable => Ignored::UnmatchableSubject,
        })?;
        self.rules_for(event, reaction, &subject, before, claims)
    }

    /// Returns the rules about the users of a subject, whatever their session is. At least one.
    pub(super) fn rules_about(
        &self,
        subject: &Subject,
        before: u64,
        claims: ConfiguredClaims,
    ) -> Result<Vec<Rule>, Ignored> {
        let event = Event::SessionsRevoked;
        self.rules_for(event, Reaction::IssuedBefore, subject, before, claims)
    }

    /// Returns the rules of an event of an event hook. At least one.
    pub(super) fn rules_of_hook(
        &self,
        tokens: &Tokens,
        before: u64,
        claims: ConfiguredClaims,
    ) -> Result<Vec<Rule>, Ignored> {
        let clients = match tokens {
            Tokens::Users(subject) => return self.rules_about(subject, before, claims),
            // Each pair is a rule. A delivery with more pairs than any real one rejects all tokens of the users instead.
            Tokens::UsersAtClients(subject, clients)
                if subject.users.len().saturating_mul(clients.len()) > MAX_PAIRS =>
            {
                return self.rules_about(subject, before, claims);
            }
            Tokens::UsersAtClients(subject, clients) => {
                let users = self.rules_about(subject, before, claims)?;
                let at_clients = users
                    .iter()
                    .flat_map(|rule| clients.iter().filter_map(|client| rule.at_client(client)));
                return Ok(at_clients.collect());
            }
            Tokens::Clients(clients) => clients,
        };
        let targets = self.targets.load();
        let rules = targets.iter().flat_map(|target| {
            clients.iter().map(|id| Rule {
                issuer: target.url.clone(),
                kind: rule::Kind::Client { id: id.clone() },
                before,
            })
        });
        Ok(rules.collect())
    }

    /// Returns the rules for a subject. At least one.
    fn rules_for(
        &self,
        event: Event,
        reaction: Reaction,
        subject: &Subject,
        before: u64,
        claims: ConfiguredClaims,
    ) -> Result<Vec<Rule>, Ignored> {
        let targets = self.targets.load();
        let rule = |target: &Target, kind| Rule {
            issuer: target.url.clone(),
            kind,
            before,
        };
        let mut rules = Vec::new();
        let mut ignored = Ignored::UnmatchableSubject;
        let mut users = Vec::new();
        for user in &subject.users {
            let (iss, claim, value) = match user {
                User::Id { iss, id } => (iss.as_deref(), self.settings.subject_claim, id),
                User::Email(_) if !claims.email => continue,
                User::Email(email) => (None, SubjectClaim::Email, email),
            };
            let concerned = self.concerned(&targets, iss);
            if concerned.is_empty() {
                ignored = Ignored::OtherIssuer;
            }
            users.extend(concerned.into_iter().map(|target| (target, claim, value)));
        }
        for token in &subject.tokens {
            let concerned = self.concerned(&targets, token.iss.as_deref());
            if concerned.is_empty() {
                ignored = Ignored::OtherIssuer;
            }
            let jti = || token.jti.clone();
            let kind = || rule::Kind::Token { jti: jti() };
            rules.extend(concerned.into_iter().map(|target| rule(target, kind())));
        }
        let session = match &subject.session {
            Some(Session::Id(id)) => Some(id),
            Some(Session::All) | None => None,
        };
        match session {
            // The session belongs to a user of another issuer.
            _ if users.is_empty() && ignored == Ignored::OtherIssuer => {}
            Some(_) if users.is_empty() && !claims.session => {}
            Some(id) if users.is_empty() => {
                let kind = || rule::Kind::Session {
                    id: id.clone(),
                    user: None,
                };
                rules.extend(targets.iter().map(|target| rule(target, kind())));
            }
            Some(id) if reaction == Reaction::Session => {
                rules.extend(users.iter().map(|(target, claim, value)| {
                    let kind = rule::Kind::Session {
                        id: id.clone(),
                        user: Some((*claim, (*value).clone())),
                    };
                    rule(target, kind)
                }));
            }
            _ => {
                rules.extend(users.iter().map(|(target, claim, value)| {
                    let kind = rule::Kind::Subject {
                        claim: *claim,
                        value: (*value).clone(),
                    };
                    rule(target, kind)
                }));
            }
        }
        if let Some(id) = &subject.opaque
            && event.is_about_sessions()
            && claims.session
        {
            let kind = || rule::Kind::Session {
                id: id.clone(),
                user: None,
            };
            rules.extend(targets.iter().map(|target| rule(target, kind())));
        }
        match rules.is_empty() {
            true => Err(ignored),
            false => Ok(rules),
        }
    }

    /// Returns the issuers of tokens that the issuer of a subject stands for. None, if it is foreign: its users have
    /// the same IDs as other users here.
    fn concerned<'t>(&self, targets: &'t [Target], iss: Option<&str>) -> Vec<&'t Target> {
        let Some(iss) = iss.filter(|iss| *iss != self.issuer()) else {
            return targets.iter().collect();
        };
        let named = |target: &&Target| target.names.iter().any(|name| **name == *iss);
        if let Some(target) = targets.iter().find(named) {
            return vec![target];
        }
        // An org may write the URL of its custom domain, which is an alias of its issuers.
        let is_alias_of_org = || {
            let url = Url::parse(iss)
                .ok()
                .filter(|url| matches!(url.path(), "/" | ""))?;
            let origin = Some(url.origin());
            let names = targets.iter().flat_map(|it| &it.names);
            let mut origins = names.map(|name| Url::parse(name).ok().map(|url| url.origin()));
            origins.any(|it| it == origin).then_some(())
        };
        match self.org.is_some() && is_alias_of_org().is_some() {
            true => targets.iter().collect(),
            false => Vec::new(),
        }
    }

    pub(super) fn log_status(&self, status: StreamStatus, has_changed: bool) {
        let (transmitter, status_name) = (self.issuer(), status.name());
        if status.is_degraded() && has_changed {
            tracing::error!(
                transmitter,
                status = status_name,
                "the transmitter delivers no security events; revoked tokens are accepted until they expire"
            );
        } else {
            tracing::info!(
                transmitter,
                status = status_name,
                "stream of security events updated"
            );
        }
    }

    fn log_unavailable(&self, error: &UnavailableReason) {
        let transmitter = self.issuer();
        if self.stream.may_warn(Warning::Keys, Now::read()) {
            let cause = cause(error);
            tracing::warn!(transmitter, %error, cause, "keys of the transmitter are unavailable");
        }
    }
}

/// Shows the issuer only.
impl fmt::Debug for ActiveTransmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActiveTransmitter")
            .field(&self.issuer())
            .finish()
    }
}

/// The difference between the clocks that is accepted, in seconds.
pub(super) const LEEWAY: u64 = 60;
const REPEAT_AFTER: Duration = Duration::from_secs(10);
/// The number of pairs of a user and a client that one event of an event hook may name.
const MAX_PAIRS: usize = 100;
const NOT_A_URL: &str =
    "write the `iss` of the events, an absolute URL such as https://acme.okta.com";
