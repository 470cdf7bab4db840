//! The receiver of pushed security events (RFC 8935): which transmitter sent an event, and what it does.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    BackChannelLogout, EventHook, Rule, Signal, StreamStatus, Transmitter, TransmitterState,
    UniversalLogout,
    active_transmitter::{ActiveTransmitter, Effect, LEEWAY},
    event::Kind,
    event_token::EventToken,
    hook_body::{self, BodyProblem},
    log::{LogEntry, Record},
    logout,
    stream::{Ignored, Stream, Warning},
    universal_logout,
};
use crate::{
    crypto::{MacKey, random_bytes},
    error::{ConfigError, VerifyError},
    http::{Credentials, EventResponse, HeaderName, RequestCredentials, Scheme},
    sync::clock::Now,
    token::jws::{Jws, media_type},
};

/// The settings of all senders.
#[derive(Default)]
pub(crate) struct Senders {
    pub(crate) transmitters: Vec<Transmitter>,
    pub(crate) providers: Vec<BackChannelLogout>,
    pub(crate) hooks: Vec<EventHook>,
    pub(crate) logouts: Vec<UniversalLogout>,
}

/// The transmitters of one receiver.
pub(crate) struct Receiver {
    transmitters: Vec<Arc<ActiveTransmitter>>,
    /// The providers that send logout tokens.
    providers: Vec<Arc<ActiveTransmitter>>,
    hooks: Vec<ActiveHook>,
    logouts: Vec<ActiveLogout>,
    /// A random key. Secrets are compared by their MACs, which takes constant time and does not depend on the length.
    comparison: MacKey,
    claims: ConfiguredClaims,
}

/// An event hook in use.
pub(crate) struct ActiveHook {
    transmitter: Arc<ActiveTransmitter>,
    settings: EventHook,
    /// The header with the secret.
    header: HeaderName,
}

/// A Universal Logout in use.
struct ActiveLogout {
    transmitter: Arc<ActiveTransmitter>,
    client_id: String,
}

/// A genuine token of a Universal Logout.
pub(crate) struct AuthenticatedLogout {
    transmitter: Arc<ActiveTransmitter>,
    issued_at: u64,
    now: Now,
}

/// Whether the settings name the claims of tokens that have no fixed name.
#[derive(Clone, Copy, Default)]
pub(crate) struct ConfiguredClaims {
    pub(crate) email: bool,
    pub(crate) session: bool,
}

/// A genuine event token, and what it means. Nothing has happened yet.
pub(crate) struct Delivery {
    transmitter: Arc<ActiveTransmitter>,
    pub(crate) rules: Vec<Rule>,
    /// The issuers of rules that the verifier does not have yet.
    pub(crate) unknown_issuers: Vec<Box<str>>,
    effects: Vec<(Kind, Effect)>,
    now: Now,
}

impl Receiver {
    /// Checks the settings of the transmitters.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(crate) fn new(senders: Senders, claims: ConfiguredClaims) -> Result<Self, ConfigError> {
        let secret = random_bytes::<32>().ok_or(ConfigError::Randomness)?;
        let comparison = MacKey::new(&secret);
        let providers = senders.providers.into_iter().map(|it| it.0).collect();
        let of_hooks = senders.hooks.iter().map(|it| it.transmitter.clone());
        let of_hooks = activate(Signal::EventHook, of_hooks.collect(), &comparison)?;
        for (index, hook) in of_hooks.iter().enumerate() {
            if of_hooks[..index]
                .iter()
                .any(|other| other.shares_secret(hook))
            {
                let problem =
                    "two event hooks have one secret, so that their orgs cannot be told apart";
                return Err(senders.hooks[index].transmitter.wrong(problem));
            }
        }
        let hooks = senders.hooks.into_iter().zip(of_hooks);
        let hooks = hooks.map(|(settings, transmitter)| {
            Ok(ActiveHook {
                header: settings.checked_header()?,
                transmitter,
                settings,
            })
        });
        let mut logouts: Vec<ActiveLogout> = Vec::new();
        for (index, settings) in senders.logouts.iter().enumerate() {
            settings.check(&senders.logouts[..index])?;
            let (transmitter, issuer) =
                (settings.transmitter.clone(), &settings.transmitter.issuer);
            let mut apps = logouts.iter();
            // The apps of an org are one sender for counters, whose names are the signal and the issuer.
            let stream = apps.find(|it| it.transmitter.issuer() == issuer);
            let stream = stream.map_or_else(
                || Stream::new(Signal::UniversalLogout),
                |it| it.transmitter.stream.clone(),
            );
            logouts.push(ActiveLogout {
                transmitter: ActiveTransmitter::new(transmitter, &comparison, stream)?,
                client_id: settings.client_id.clone(),
            });
        }
        Ok(Self {
            transmitters: activate(Signal::SecurityEvent, senders.transmitters, &comparison)?,
            providers: activate(Signal::BackChannelLogout, providers, &comparison)?,
            hooks: hooks.collect::<Result<_, ConfigError>>()?,
            logouts,
            comparison,
            claims,
        })
    }

    /// Returns everything that sends signals, each app of an org on its own.
    pub(crate) fn transmitters(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        let of_logouts = self.logouts.iter().map(|it| &it.transmitter);
        self.without_logouts().chain(of_logouts)
    }

    /// Returns the transmitters whose degraded stream is a reason for a doubt about tokens.
    pub(crate) fn doubting(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        self.transmitters
            .iter()
            .filter(|it| it.doubts_when_degraded())
    }

    /// Returns everything that has counters of its own: the apps of an org have theirs in common.
    fn senders(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        self.without_logouts().chain(self.logout_orgs())
    }

    fn without_logouts(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        let of_hooks = self.hooks.iter().map(|it| &it.transmitter);
        let signed = self.transmitters.iter().chain(&self.providers);
        signed.chain(of_hooks)
    }

    pub(crate) fn receives(&self, signal: Signal) -> bool {
        self.senders().any(|it| it.stream.signal == signal)
    }

    /// Returns the counters of each transmitter, and the state of its stream.
    pub(crate) fn states(&self) -> Vec<TransmitterState> {
        let now = Now::read();
        let states = self.senders().map(|it| it.state(now));
        states.collect()
    }

    /// Applies what another instance was told about a stream. Returns whether the transmitter is configured.
    pub(crate) fn merge(&self, record: &Record<'_>, now: Now) -> bool {
        let named = |issuer: &str| self.transmitters.iter().find(|it| it.issuer() == issuer);
        // The clock of the other instance may be wrong.
        let latest = now.unix.saturating_add(LEEWAY);
        match *record {
            Record::Rule(_) => false,
            Record::Status {
                transmitter,
                status,
                said,
            } => named(transmitter).is_some_and(|it| {
                let said = said.min(latest);
                if let Some(has_changed) = it.stream.merge_status(status, said, now) {
                    it.log_status(status, has_changed);
                    it.report_doubt(now);
                }
                true
            }),
            Record::Verified { transmitter, at } => named(transmitter).is_some_and(|it| {
                let unix = at.min(now.unix);
                it.stream.merge_verified(Now { unix, ..now }.wall());
                if let Some(verification) = it.verification() {
                    verification.verify(unix, now);
                    it.report_doubt(now);
                }
                true
            }),
        }
    }

    /// Returns entries for the shared log with what is known about the streams.
    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        let of_stream = |it: &Arc<ActiveTransmitter>| {
            let (status, said, verified) = it.stream.shared();
            let transmitter = it.issuer();
            let status = (status != StreamStatus::Unknown).then_some(Record::Status {
                transmitter,
                status,
                said,
            });
            let verified = verified.map(|at| Record::Verified {
                transmitter,
                at: seconds(at),
            });
            [status, verified].map(|it| it.and_then(|it| it.entry()))
        };
        let entries = self.transmitters.iter().flat_map(of_stream);
        entries.flatten().collect()
    }

    /// Returns a state for a verification event of this transmitter, or `None` if it is unknown or has no secret.
    pub(crate) fn verification_state(&self, issuer: &str, now: Now) -> Option<String> {
        let mut transmitters = self.transmitters.iter();
        let transmitter = transmitters.find(|it| it.issuer() == issuer)?;
        transmitter.states.make(now.unix)
    }

    /// Returns the transmitters whose secret a request has, before its body is read. `authorization` has the values of the
    /// field `Authorization`.
    pub(crate) fn authenticate_event<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Vec<&Arc<ActiveTransmitter>>, EventResponse> {
        check_method(method)?;
        let mut values = authorization.into_iter().map(<[u8]>::trim_ascii);
        let value = match (values.next(), values.next()) {
            (value, None) => value,
            _ => Some(&b""[..]), // repeated, so none of them counts
        };
        let authenticated: Vec<_> = (self.transmitters.iter())
            .filter(|it| it.accepts(value, &self.comparison))
            .collect();
        if authenticated.is_empty() {
            let all = &self.transmitters;
            return Err(reject(all, EventResponse::AuthenticationFailed));
        }
        Ok(authenticated)
    }

    /// Verifies a pushed event of one of these transmitters, and fetches its keys if necessary.
    ///
    /// Until the secret and the signature have been verified, the response depends on nothing but whether they are
    /// valid and whether the body is an event token at all.
    pub(crate) async fn receive_event(
        &self,
        authenticated: &[&Arc<ActiveTransmitter>],
        body: &[u8],
    ) -> Result<Delivery, EventResponse> {
        let fail = |response| Err(reject(authenticated.iter().copied(), response));
        if body.len() > MAX_EVENT {
            return fail(EventResponse::TooLarge);
        }
        let jws = match Jws::parse(body.trim_ascii(), MAX_EVENT) {
            Ok(jws) => jws,
            Err(VerifyError::AlgorithmNotAllowed | VerifyError::BadSignature) => {
                return fail(EventResponse::InvalidKey);
            }
            Err(_) => return fail(EventResponse::InvalidRequest),
        };
        // Explicit typing (SSF 1.0 §4.1.1): the same keys sign access tokens, ID tokens and logout tokens.
        let typ = jws.header.other_typ.as_deref();
        let Some(token) = EventToken::parse(&jws.payload)
            .filter(|_| typ.is_some_and(|typ| media_type(typ, "secevent+jwt")))
        else {
            return fail(EventResponse::InvalidRequest);
        };
        let Some(transmitter) = select(authenticated, token.iss.as_deref()) else {
            return fail(EventResponse::InvalidKey);
        };
        let now = Now::read();
        let is_acceptable = || transmitter.check(&token, now).is_ok();
        let delivery = match transmitter.verify(&jws, &is_acceptable, now).await {
            Ok(()) => self.read(transmitter, &token, now),
            Err(response) => Err(response),
        };
        delivery.map_err(|response| reject([transmitter], response))
    }

    /// Verifies a form with a logout token, and fetches the keys of the provider if necessary.
    pub(crate) async fn receive_logout(&self, form: &[u8]) -> Result<Delivery, EventResponse> {
        let providers: Vec<_> = self.providers.iter().collect();
        let fail = |response| Err(reject(providers.iter().copied(), response));
        if form.len() > MAX_EVENT {
            return fail(EventResponse::TooLarge);
        }
        let Some(token) = logout::logout_token(form) else {
            return fail(EventResponse::InvalidRequest);
        };
        let jws = match logout::parse(&token, MAX_EVENT) {
            Ok(jws) => jws,
            Err(response) => return fail(response),
        };
        let Some(token) = EventToken::parse(&jws.payload) else {
            return fail(EventResponse::InvalidRequest);
        };
        let Some(provider) = select(&providers, token.iss.as_deref()) else {
            return fail(EventResponse::InvalidKey);
        };
        let now = Now::read();
        let is_acceptable = || logout::check(provider, &token, now).is_ok();
        let verified = provider.verify(&jws, &is_acceptable, now).await;
        let logout = verified.and_then(|()| {
            provider.stream.receive(now);
            logout::check(provider, &token, now)
        });
        let logout = logout.map_err(|response| reject([provider], response))?;
        let claim = provider.subject_claim();
        let rules = logout.rules(&provider.concerned_issuers(), claim, self.claims);
        let mut delivery = Delivery::new(provider, now);
        delivery.add(
            Kind::Logout,
            match rules.is_empty() {
                true => Err(Ignored::UnmatchableSubject),
                false => Ok(rules),
            },
        );
        Ok(delivery)
    }

    /// Returns the challenge of the request with which an org verifies that an event hook belongs to this service.
    pub(crate) fn verify_hook<'h>(
        &self,
        headers: &[(&'h str, &'h [u8])],
    ) -> Result<&'h [u8], EventResponse> {
        let hook = self.authenticate_hook(headers)?;
        let challenge = the_value(headers, CHALLENGE).filter(|it| {
            (1..=MAX_CHALLENGE).contains(&it.len()) && it.iter().all(u8::is_ascii_graphic)
        });
        challenge.ok_or_else(|| reject([&hook.transmitter], EventResponse::InvalidRequest))
    }

    /// Reads the events of an authenticated event hook.
    pub(crate) fn receive_hook(
        &self,
        hook: &ActiveHook,
        body: &[u8],
    ) -> Result<Delivery, EventResponse> {
        let transmitter = &hook.transmitter;
        let now = Now::read();
        transmitter.stream.receive(now);
        let events = match body.len() > MAX_HOOK {
            true => Err(EventResponse::TooLarge),
            false => hook_body::read(body).map_err(|problem| match problem {
                BodyProblem::Malformed => EventResponse::InvalidRequest,
                BodyProblem::BreaksOff => EventResponse::Unavailable {
                    retry_after: REPEAT_AFTER,
                },
            }),
        };
        let events = events.map_err(|response| reject_unread(transmitter, response))?;
        if events.iter().any(Option::is_none) {
            // Once for each delivery, however many of its events cannot be read.
            reject_unread(transmitter, EventResponse::InvalidRequest);
        }
        let mut delivery = Delivery::new(transmitter, now);
        for event in events.into_iter().flatten() {
            // Without a time, no token that was issued until now is accepted.
            let latest = now.unix.saturating_add(LEEWAY);
            let before = event.published.map_or(now.unix, |time| time.min(latest));
            let (name, tokens) = hook.settings.tokens(event);
            let rules = tokens.and_then(|it| transmitter.rules_of_hook(&it, before, self.claims));
            delivery.add(Kind::Hook(name), rules);
        }
        Ok(delivery)
    }

    /// Returns the hook whose secret the request has, before its body is read. No two hooks have a secret in common.
    /// `headers` has all header fields.
    pub(crate) fn authenticate_hook(
        &self,
        headers: &[(&str, &[u8])],
    ) -> Result<&ActiveHook, EventResponse> {
        let mut hooks = self.hooks.iter();
        let authenticated = hooks.find(|hook| {
            let secret = the_value(headers, hook.header.as_str());
            hook.transmitter.accepts(secret, &self.comparison)
        });
        authenticated.ok_or_else(|| {
            let hooks = self.hooks.iter().map(|it| &it.transmitter);
            reject(hooks, EventResponse::AuthenticationFailed)
        })
    }

    /// Verifies the token of a request of Universal Logout before the body is read, and fetches the keys of the org if
    /// necessary.
    pub(crate) async fn authenticate_universal_logout<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<AuthenticatedLogout, EventResponse> {
        check_method(method)?;
        let fail = |response| Err(reject(self.logout_orgs(), response));
        let credentials = RequestCredentials::new(authorization).read(false, MAX_EVENT);
        let Ok(Credentials::Token(Scheme::Bearer, token)) = credentials else {
            return fail(EventResponse::AuthenticationFailed);
        };
        let Some(jws) = universal_logout::parse(token, MAX_EVENT) else {
            return fail(EventResponse::AuthenticationFailed);
        };
        let Some(token) = EventToken::parse(&jws.payload) else {
            return fail(EventResponse::AuthenticationFailed);
        };
        let Some(logout) = self.select_logout(&token) else {
            return fail(EventResponse::InvalidKey);
        };
        let transmitter = &logout.transmitter;
        let now = Now::read();
        let check = || universal_logout::check(transmitter, &token, now);
        let is_acceptable = || check().is_ok();
        let verified = transmitter.verify(&jws, &is_acceptable, now).await;
        let issued_at = verified.and_then(|()| {
            transmitter.stream.receive(now);
            let issued_at = check()?;
            match universal_logout::is_for_client(&token, &logout.client_id) {
                true => Ok(issued_at),
                false => Err(EventResponse::Forbidden),
            }
        });
        let transmitter = transmitter.clone();
        match issued_at {
            Ok(issued_at) => Ok(AuthenticatedLogout {
                transmitter,
                issued_at,
                now,
            }),
            Err(response) => Err(reject([&transmitter], response)),
        }
    }

    /// Reads the user of an authenticated request of Universal Logout.
    pub(crate) fn receive_universal_logout(
        &self,
        logout: &AuthenticatedLogout,
        body: &[u8],
    ) -> Result<Delivery, EventResponse> {
        let AuthenticatedLogout {
            transmitter,
            issued_at,
            now,
        } = logout;
        let rules = match body.len() > MAX_EVENT {
            true => Err(EventResponse::TooLarge),
            false => universal_logout::subject(body)
                // The org reads only the status, and must know that nothing happens: no claim of the tokens has the
                // email address, or the user belongs to another issuer.
                .and_then(|it| transmitter.rules_about(&it, *issued_at, self.claims).ok())
                .ok_or(EventResponse::InvalidRequest),
        };
        let rules = rules.map_err(|response| reject([transmitter], response))?;
        let mut delivery = Delivery::new(transmitter, *now);
        delivery.add(Kind::UniversalLogout, Ok(rules));
        Ok(delivery)
    }

    /// Returns the app that the token of a Universal Logout seems to be for. Its keys verify the token, and its claims are
    /// checked afterwards. The only org is returned in any case, and rejects another `iss` then.
    fn select_logout(&self, token: &EventToken<'_>) -> Option<&ActiveLogout> {
        let has_one_org = self.logout_orgs().count() == 1;
        let is_of_org = |it: &&ActiveLogout| {
            has_one_org || token.iss.as_deref() == Some(it.transmitter.issuer())
        };
        let apps = self.logouts.iter().filter(is_of_org);
        // The first one of those that fit best.
        apps.min_by_key(|it| {
            let is_for_client = universal_logout::is_for_client(token, &it.client_id);
            (!it.transmitter.is_audience(token), !is_for_client)
        })
    }

    /// Returns the first app of each org with Universal Logout. The apps of an org have the counters in common.
    fn logout_orgs(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        let apps = self.logouts.iter().map(|it| &it.transmitter).enumerate();
        let is_first = |(place, it): &(usize, &Arc<ActiveTransmitter>)| {
            let mut earlier = self.logouts[..*place].iter();
            !earlier.any(|other| other.transmitter.issuer() == it.issuer())
        };
        apps.filter(is_first).map(|(_, it)| it)
    }

    /// Reads the events of a token whose signature was verified.
    fn read(
        &self,
        transmitter: &Arc<ActiveTransmitter>,
        token: &EventToken<'_>,
        now: Now,
    ) -> Result<Delivery, EventResponse> {
        transmitter.stream.receive(now);
        transmitter.check(token, now)?;
        let mut delivery = Delivery::new(transmitter, now);
        for event in token.events().ok_or(EventResponse::InvalidToken)? {
            let kind = Kind::of(event.uri);
            // Otherwise one event of a transmitter whose clock is ahead would hide each later status.
            let latest = now.unix.saturating_add(LEEWAY);
            let happened = token.happened(&event).map_or(now.unix, |it| it.min(latest));
            match kind {
                Kind::Event(event_kind) => {
                    let rules = transmitter.rules(event_kind, token, &event, happened, self.claims);
                    delivery.add(kind, rules);
                }
                Kind::Verification => {
                    let effect = transmitter.verification_event(token, &event, now)?;
                    delivery.effects.push((kind, effect));
                }
                Kind::StreamUpdated => {
                    let effect = transmitter.stream_update(token, &event, happened);
                    delivery.effects.push((kind, effect));
                }
                Kind::Unknown | Kind::Logout | Kind::Hook(_) | Kind::UniversalLogout => {
                    delivery.add(kind, Err(Ignored::UnknownEvent));
                }
            }
        }
        if delivery.effects.is_empty() {
            delivery.add(Kind::Unknown, Err(Ignored::NoEvent));
        }
        Ok(delivery)
    }
}

impl Delivery {
    fn new(transmitter: &Arc<ActiveTransmitter>, now: Now) -> Self {
        Self {
            transmitter: transmitter.clone(),
            rules: Vec::new(),
            unknown_issuers: transmitter.unknown_issuers(),
            effects: Vec::new(),
            now,
        }
    }

    /// Adds an event with its rules, or why it has none.
    fn add(&mut self, kind: Kind, rules: Result<Vec<Rule>, Ignored>) {
        let effect = match rules {
            Ok(rules) => {
                self.rules.extend(rules);
                Effect::Rules
            }
            Err(ignored) => Effect::Ignored(ignored),
        };
        self.effects.push((kind, effect));
    }

    /// Returns entries for the shared log with what the events say about the stream.
    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        let transmitter = self.transmitter.issuer();
        let record = |effect: &Effect| match *effect {
            Effect::Status { status, said } => Some(Record::Status {
                transmitter,
                status,
                said,
            }),
            Effect::Verified { at } => Some(Record::Verified {
                transmitter,
                at: at.min(self.now.unix),
            }),
            Effect::Rules | Effect::Ignored(_) => None,
        };
        let records = self.effects.iter().filter_map(|(_, effect)| record(effect));
        records.filter_map(|record| record.entry()).collect()
    }

    /// Returns the response to an event that was applied here but could not be recorded for the other instances. The
    /// transmitter repeats it.
    pub(crate) fn postpone(self) -> EventResponse {
        let retry_after = REPEAT_AFTER;
        reject(
            [&self.transmitter],
            EventResponse::Unavailable { retry_after },
        )
    }

    /// Counts and logs the events, and sets the state of the stream. Called after the rules were recorded.
    pub(crate) fn confirm(self) -> EventResponse {
        let ActiveTransmitter { stream, .. } = &*self.transmitter;
        let transmitter = self.transmitter.issuer();
        for (kind, effect) in self.effects {
            let event = kind.name();
            let ignored = match effect {
                Effect::Rules => {
                    tracing::debug!(transmitter, event, "security event applied");
                    None
                }
                Effect::Verified { at } => {
                    stream.verify(self.now);
                    if let Some(verification) = self.transmitter.verification() {
                        verification.verify(at, self.now);
                    }
                    self.transmitter.report_doubt(self.now);
                    tracing::debug!(transmitter, event, "security event applied");
                    None
                }
                Effect::Status { status, said } => {
                    match stream.set_status(status, said, self.now) {
                        Some(changed) => {
                            self.transmitter.log_status(status, changed);
                            self.transmitter.report_doubt(self.now);
                            None
                        }
                        None => Some(Ignored::Status),
                    }
                }
                Effect::Ignored(reason) => Some(reason),
            };
            match ignored {
                None => stream.apply(event),
                Some(reason) => {
                    stream.ignore(event, reason);
                    let reason_code = reason.code();
                    if reason.is_unexpected() && stream.may_warn(Warning::Ignored, self.now) {
                        tracing::warn!(
                            transmitter,
                            event,
                            reason = reason_code,
                            "security event ignored"
                        );
                    } else {
                        tracing::debug!(
                            transmitter,
                            event,
                            reason = reason_code,
                            "security event ignored"
                        );
                    }
                }
            }
        }
        EventResponse::Accepted
    }
}

/// Checks the method of a request that delivers a signal.
pub(crate) fn check_method(method: &str) -> Result<(), EventResponse> {
    match method {
        "POST" => Ok(()),
        _ => Err(EventResponse::MethodNotAllowed),
    }
}

/// Checks the settings of transmitters, each of which has another issuer.
fn activate(
    signal: Signal,
    transmitters: Vec<Transmitter>,
    comparison: &MacKey,
) -> Result<Vec<Arc<ActiveTransmitter>>, ConfigError> {
    for (index, transmitter) in transmitters.iter().enumerate() {
        transmitter.check()?;
        let mut others = transmitters[..index].iter();
        if others.any(|other| other.issuer == transmitter.issuer) {
            return Err(transmitter
                .wrong("two transmitters have this issuer; write one with the settings of both"));
        }
    }
    let transmitters = transmitters.into_iter();
    let active = transmitters
        .map(|settings| ActiveTransmitter::new(settings, comparison, Stream::new(signal)));
    active.collect()
}

/// Returns the transmitter of a token with this `iss`. The only one is returned in any case, and rejects another `iss`
/// after the signature was verified.
fn select<'t>(
    transmitters: &[&'t Arc<ActiveTransmitter>],
    iss: Option<&str>,
) -> Option<&'t Arc<ActiveTransmitter>> {
    match transmitters {
        [only] => Some(only),
        several => several.iter().find(|it| iss == Some(it.issuer())).copied(),
    }
}

/// Counts and logs a rejected request at each transmitter that may have sent it.
fn reject<'t>(
    transmitters: impl IntoIterator<Item = &'t Arc<ActiveTransmitter>>,
    response: EventResponse,
) -> EventResponse {
    let code = response.code();
    for it in transmitters {
        it.stream.reject(code);
        let (transmitter, signal) = (it.issuer(), it.stream.signal.name());
        if it.stream.may_warn(Warning::Rejected, Now::read()) {
            tracing::warn!(transmitter, signal, code, "security event rejected");
        } else {
            tracing::debug!(transmitter, signal, code, "security event rejected");
        }
    }
    response
}

/// Returns the value of a header, or `None` if the header is absent or repeated.
fn the_value<'h>(headers: &[(&'h str, &'h [u8])], name: &str) -> Option<&'h [u8]> {
    let mut values = headers
        .iter()
        .filter(|(it, _)| it.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value.trim_ascii()),
        _ => None,
    }
}

/// Counts and logs an authenticated delivery, or an event of it, that cannot be read. The sender repeats it at most once,
/// so an operator must know.
fn reject_unread(transmitter: &ActiveTransmitter, response: EventResponse) -> EventResponse {
    let code = response.code();
    transmitter.stream.reject(code);
    tracing::error!(
        transmitter = transmitter.issuer(),
        code,
        "delivery of an event hook not read"
    );
    response
}

/// Checks that the subjects of all events name something. For the fuzzer.
#[cfg(any(test, fuzzing))]
pub(crate) fn check_subjects(payload: &str) {
    let Some(token) = EventToken::parse(payload) else {
        return;
    };
    for event in token.events().into_iter().flatten() {
        let subject = token.subject(&event).map(super::subject::Subject::parse);
        if let Some(Ok(subject)) = subject {
            let names = subject.users.len() + subject.tokens.len();
            assert!((1..=32).contains(&names) || subject.session.is_some());
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// When a transmitter may repeat an event that could not be recorded.
const REPEAT_AFTER: Duration = Duration::from_secs(2);
/// The maximum size of an event, in bytes.
pub(crate) const MAX_EVENT: usize = 64 * 1024;
/// The maximum size of a delivery of an event hook, in bytes.
pub(crate) const MAX_HOOK: usize = 1024 * 1024;
const CHALLENGE: &str = "x-okta-verification-challenge";
const MAX_CHALLENGE: usize = 256;

#[cfg(test)]
mod tests;
