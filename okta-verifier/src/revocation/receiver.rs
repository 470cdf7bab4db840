//! The receiver of pushed security events (RFC 8935): which transmitter sent an event, and what it does.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    BackChannelLogout, Rule, StreamStatus, Transmitter, TransmitterState,
    active_transmitter::{ActiveTransmitter, Effect, LEEWAY},
    event::Kind,
    event_token::EventToken,
    log::{LogEntry, Record},
    logout,
    stream::Ignored,
};
use crate::{
    crypto::{MacKey, random_bytes},
    error::{ConfigError, VerifyError},
    http::EventResponse,
    sync::clock::Now,
    token::jws::{Jws, media_type},
};

/// The transmitters of one receiver.
pub(crate) struct Receiver {
    transmitters: Vec<Arc<ActiveTransmitter>>,
    /// The providers that send logout tokens.
    providers: Vec<Arc<ActiveTransmitter>>,
    /// A random key. Secrets are compared by their MACs, which takes constant time and does not depend on the length.
    comparison: MacKey,
    claims: ConfiguredClaims,
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
    pub(crate) fn new(
        transmitters: Vec<Transmitter>,
        providers: Vec<BackChannelLogout>,
        claims: ConfiguredClaims,
    ) -> Result<Self, ConfigError> {
        let secret = random_bytes::<32>().ok_or(ConfigError::Randomness)?;
        let comparison = MacKey::new(&secret);
        let providers = providers.into_iter().map(|it| it.0).collect();
        Ok(Self {
            transmitters: activate(transmitters, &comparison)?,
            providers: activate(providers, &comparison)?,
            comparison,
            claims,
        })
    }

    /// Returns the transmitters of events and the providers that send logout tokens.
    pub(crate) fn transmitters(&self) -> impl Iterator<Item = &Arc<ActiveTransmitter>> {
        self.transmitters.iter().chain(&self.providers)
    }

    pub(crate) fn receives_logouts(&self) -> bool {
        !self.providers.is_empty()
    }

    /// Returns the counters of each transmitter, and the state of its stream.
    pub(crate) fn states(&self) -> Vec<TransmitterState> {
        let state = |is_logout| {
            move |it: &Arc<ActiveTransmitter>| it.stream.snapshot(it.issuer(), is_logout)
        };
        let transmitters = self.transmitters.iter().map(state(false));
        transmitters
            .chain(self.providers.iter().map(state(true)))
            .collect()
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
                if let Some(has_changed) = it.stream.merge_status(status, said.min(latest)) {
                    it.log_status(status, has_changed);
                }
                true
            }),
            Record::Verified { transmitter, at } => named(transmitter).is_some_and(|it| {
                let unix = at.min(now.unix);
                it.stream.merge_verified(Now { unix, ..now }.wall());
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
        let key = transmitter.verification.first()?;
        Some(transmitter.state(key, now.unix))
    }

    /// Verifies a pushed event, and fetches the keys of the transmitter if necessary. `authorization` has the values
    /// of the field `Authorization`.
    ///
    /// Until the secret and the signature have been verified, the response depends on nothing but whether they are
    /// valid and whether the body is an event token at all.
    pub(crate) async fn receive<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
        body: &[u8],
    ) -> Result<Delivery, EventResponse> {
        if method != "POST" {
            return Err(EventResponse::MethodNotAllowed);
        }
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
        let Some(transmitter) = select(&authenticated, token.iss.as_deref()) else {
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
    pub(crate) async fn receive_logout(
        &self,
        method: &str,
        form: &[u8],
    ) -> Result<Delivery, EventResponse> {
        if method != "POST" {
            return Err(EventResponse::MethodNotAllowed);
        }
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
        match logout {
            Ok(logout) => {
                let claim = provider.subject_claim();
                let rules = logout.rules(&provider.concerned_issuers(), claim, self.claims);
                let effect = match rules.is_empty() {
                    true => Effect::Ignored(Ignored::UnmatchableSubject),
                    false => Effect::Rules,
                };
                Ok(Delivery {
                    rules,
                    unknown_issuers: provider.unknown_issuers(),
                    effects: vec![(Kind::Logout, effect)],
                    transmitter: provider.clone(),
                    now,
                })
            }
            Err(response) => Err(reject([provider], response)),
        }
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
        let mut delivery = Delivery {
            transmitter: transmitter.clone(),
            rules: Vec::new(),
            unknown_issuers: transmitter.unknown_issuers(),
            effects: Vec::new(),
            now,
        };
        for event in token.events().ok_or(EventResponse::InvalidToken)? {
            let kind = Kind::of(event.uri);
            let happened = token.happened(&event).unwrap_or(now.unix);
            let effect = match kind {
                Kind::Unknown | Kind::Logout => Effect::Ignored(Ignored::UnknownEvent),
                Kind::Verification => transmitter.verification(token, &event, now)?,
                Kind::StreamUpdated => transmitter.stream_update(token, &event, happened),
                Kind::Event(kind) => {
                    let before = happened.min(now.unix.saturating_add(LEEWAY));
                    let rules = transmitter.rules(kind, token, &event, before, self.claims);
                    match rules {
                        Ok(rules) => {
                            delivery.rules.extend(rules);
                            Effect::Rules
                        }
                        Err(ignored) => Effect::Ignored(ignored),
                    }
                }
            };
            delivery.effects.push((kind, effect));
        }
        if delivery.effects.is_empty() {
            let effect = Effect::Ignored(Ignored::NoEvent);
            delivery.effects.push((Kind::Unknown, effect));
        }
        Ok(delivery)
    }
}

impl Delivery {
    /// Returns entries for the shared log with what the events say about the stream.
    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        let transmitter = self.transmitter.issuer();
        let record = |effect: &Effect| match *effect {
            Effect::Status { status, said } => Some(Record::Status {
                transmitter,
                status,
                said,
            }),
            Effect::Verified => Some(Record::Verified {
                transmitter,
                at: self.now.unix,
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
                Effect::Verified => {
                    stream.verify(self.now);
                    tracing::debug!(transmitter, event, "security event applied");
                    None
                }
                Effect::Status { status, said } => match stream.set_status(status, said) {
                    Some(changed) => {
                        self.transmitter.log_status(status, changed);
                        None
                    }
                    None => Some(Ignored::Status),
                },
                Effect::Ignored(reason) => Some(reason),
            };
            match ignored {
                None => stream.apply(event),
                Some(reason) => {
                    stream.ignore(event, reason);
                    let reason_code = reason.code();
                    if reason.is_unexpected() && stream.may_warn(self.now) {
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

/// Checks the settings of transmitters, each of which has another issuer.
fn activate(
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
    let active = transmitters.map(|settings| ActiveTransmitter::new(settings, comparison));
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
        let transmitter = it.issuer();
        if it.stream.may_warn(Now::read()) {
            tracing::warn!(transmitter, code, "security event rejected");
        } else {
            tracing::debug!(transmitter, code, "security event rejected");
        }
    }
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

#[cfg(test)]
mod tests;
