//! [`ActiveIssuer`]: one issuer in use, built from its settings.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;

use crate::{
    caller::CallerKey,
    crypto::random_u64,
    error::{ConfigError, UnavailableReason, VerifyError},
    health::IssuerHealth,
    http::Challenges,
    introspection::{IntrospectionReason, Introspector},
    issuer::{Issuer, ResolvedIssuer},
    keys::{FetchedKeys, KeyStore, Source},
    net::{Clients, IssuerClock},
    revocation::Revocations,
    stats::IssuerCounters,
    sync::{
        clock::{End, Now},
        retirement::Retirement,
    },
    token::{
        checks::{self, Expected},
        profile::Profile,
    },
    verified_token::Origin,
};

/// One issuer in use: its settings, its keys and its introspection endpoint.
#[derive(Debug)]
pub(crate) struct ActiveIssuer {
    pub(crate) settings: Issuer,
    pub(crate) origin: Arc<Origin>,
    pub(crate) keys: KeyStore,
    pub(crate) introspection: Option<Arc<Introspector>>,
    clock: Arc<IssuerClock>,
    /// How long the settings may be used, if the issuer resolver returned them. `None` for a configured
    /// issuer.
    pub(super) lease: Option<Lease>,
    pub(super) retirement: Retirement,
    /// Whether this error was logged: a route requires introspection, but the issuer has none configured.
    /// The error is logged only once.
    logged: AtomicBool,
}

/// What the log must say about a new issuer. It is logged only after all settings were accepted, because a
/// program may repeat settings with an error again and again.
pub(super) struct Notes {
    origin: Arc<Origin>,
    clock: Arc<IssuerClock>,
    uses_http: bool,
    insecure: Vec<url::Origin>,
}

impl ActiveIssuer {
    /// Builds an issuer from its settings. `shared` has the keys of another entry or of former settings, if
    /// they are fetched in the same way. `counters` returns the counters to share for the issuer's URL, if there
    /// are any.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(super) fn build(
        issuer: Issuer,
        lease: Option<Lease>,
        shared: Option<KeyStore>,
        counters: impl FnOnce(&str) -> Arc<IssuerCounters>,
        clients: &mut Clients,
        challenges: &Arc<Challenges>,
        revocations: Option<&Revocations>,
    ) -> Result<(Arc<Self>, Notes), ConfigError> {
        let settings = issuer.clone().without_snapshot();
        let mut resolved = issuer.resolve()?;
        if resolved.expected.require_dpop && challenges.dpop.is_none() {
            let issuer = resolved.expected.issuer.into();
            return Err(ConfigError::RequireDpop { issuer });
        }
        let uses_http = resolved.is_http_on_loopback()
            && (resolved.pinned.is_none() || resolved.introspection.is_some());
        let insecure = resolved.metadata.plain_http.origins().to_vec();
        let clock = match shared.as_ref().and_then(KeyStore::clock) {
            Some(shared) => shared.clone(),
            None => Arc::new(IssuerClock::new(&resolved.expected.issuer)),
        };
        let introspection = match resolved.introspection.take() {
            Some(introspection) => {
                let schemes = resolved.schemes(introspection.endpoint.as_deref());
                let fetch = clients.fetch(schemes, &clock)?;
                Some((introspection, fetch))
            }
            None => None,
        };
        let counters = counters(&resolved.expected.issuer);
        let keys = match shared {
            Some(shared) => shared,
            None => keys(&resolved, clients, &clock, &counters)?,
        };
        let leeway = resolved.expected.leeway;
        let origin = Arc::new(Origin {
            counters,
            revocations: revocations.map(|it| it.rules_of(settings.names(), leeway)),
            expected: resolved.expected,
            groups_claim: resolved.groups_claim,
            challenges: challenges.clone(),
            caller_key: CallerKey::of_process().ok_or(ConfigError::Randomness)?,
        });
        let introspection = introspection.map(|(introspection, fetch)| {
            Arc::new(Introspector::new(
                introspection,
                origin.clone(),
                resolved.metadata,
                fetch,
                clients.deadline(),
                random_u64(),
            ))
        });
        let notes = Notes {
            origin: origin.clone(),
            clock: clock.clone(),
            uses_http,
            insecure,
        };
        let issuer = Self {
            settings,
            origin,
            keys,
            introspection,
            clock,
            lease,
            retirement: Retirement::default(),
            logged: AtomicBool::new(false),
        };
        Ok((Arc::new(issuer), notes))
    }

    pub(crate) fn url(&self) -> &str {
        &self.origin.expected.issuer
    }

    /// Returns the state of the keys and of introspection. Performs no I/O.
    pub(super) fn health(&self, now: Now) -> IssuerHealth {
        IssuerHealth {
            introspection: self.introspection.as_ref().map(|it| it.health(now)),
            is_resolved: self.lease.is_some(),
            revocation: self.origin.revocations.as_ref().map(|it| it.health(now)),
            clock_difference: self.clock.difference(self.origin.expected.leeway),
            ..self.keys.health(self.url(), now)
        }
    }

    /// Returns the introspector, or `None` unless the settings require introspection for this reason.
    pub(super) fn introspector_for(
        &self,
        reason: IntrospectionReason,
    ) -> Option<&Arc<Introspector>> {
        self.introspection
            .as_ref()
            .filter(|introspector| introspector.introspects(reason))
    }

    /// Returns the introspector, or `None` unless a token that local checks accepted must be introspected.
    /// `max_age` is the maximum age of an introspection response that the route accepts. A lightweight token
    /// must always be introspected.
    ///
    /// # Errors
    ///
    /// Returns an error if the route requires introspection, but introspection is not configured for the
    /// issuer. The token may be valid, so the request is rejected with 503 and not with 401.
    #[inline]
    pub(super) fn must_introspect(
        &self,
        max_age: Option<Duration>,
        is_lightweight: bool,
    ) -> Result<Option<&Arc<Introspector>>, VerifyError> {
        match (&self.introspection, max_age.is_some() || is_lightweight) {
            (None, false) => Ok(None),
            (Some(introspector), true) => Ok(Some(introspector)),
            (Some(_), false) => Ok(self.introspector_for(IntrospectionReason::Accepted)),
            (None, true) => {
                if !self.logged.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        issuer = self.url(),
                        "route requires recent introspection, but the token's issuer has none configured"
                    );
                }
                Err(VerifyError::unavailable(
                    RETRY_AFTER_MISCONFIGURATION,
                    UnavailableReason::NoIntrospection,
                ))
            }
        }
    }

    /// Returns whether the settings are no longer in use. No token is accepted with them then.
    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.retirement.is_retired()
    }

    /// Checks that the entry and another one with the same `iss` differ in their audiences, so that each
    /// token has one entry.
    pub(super) fn check_beside(&self, other: &Self, name: &str) -> Result<(), ConfigError> {
        let (one, two) = (&self.origin.expected, &other.origin.expected);
        let problem = if std::ptr::eq(self, other) {
            "an alias is the issuer itself, or is written twice; remove it".to_owned()
        } else if self.url() != other.url() {
            "another issuer has this name too; remove it from one of them".to_owned()
        } else if let Some(audience) = one.audiences.iter().find(|it| two.audiences.contains(it)) {
            format!("two entries have the audience {audience:?}; write each audience in one entry")
        } else if one.tenants != two.tenants {
            "the entries accept different tenants; write the same tenants in both".to_owned()
        } else if one.accepts_missing_audience() && two.accepts_missing_audience() {
            "two entries accept tokens without an audience; allow that in one entry only".to_owned()
        } else {
            return Ok(());
        };
        Err(ConfigError::DuplicateIssuer {
            url: name.to_owned(),
            problem,
        })
    }

    /// Returns whether this entry and the settings stand for one `iss` in common.
    pub(super) fn has_name_of(&self, settings: &Issuer) -> bool {
        let expected = &self.origin.expected;
        settings.names().any(|name| {
            let is_of_tenant = expected.tenants.is_some() && expected.is_issuer(name);
            is_of_tenant || self.names().any(|own| own == name)
        })
    }

    /// Returns whether the entry accepts tokens with this `aud`.
    pub(super) fn may_accept(&self, aud: Option<&[Cow<'_, str>]>) -> bool {
        let expected = &self.origin.expected;
        match aud {
            Some(_) => expected.audiences_in(aud) != 0,
            None => expected.accepts_missing_audience(),
        }
    }

    /// Returns the values of `iss` that stand for this issuer.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.names()
    }
}

impl Notes {
    /// Logs the warnings about the settings of a new issuer. From now on, a difference between the clocks is
    /// logged if it is large for the leeway of these settings.
    pub(super) fn log(self) {
        self.clock.set_leeway(self.origin.expected.leeway);
        let issuer = &*self.origin.expected.issuer;
        if self.uses_http {
            tracing::warn!(
                issuer,
                "issuer uses plain HTTP; this is only supported for local development"
            );
        }
        for insecure in self.insecure {
            tracing::warn!(
                issuer,
                origin = insecure.ascii_serialization(),
                "plain HTTP is allowed for this origin; everyone on the network path can replace keys and read tokens"
            );
        }
        warn_of_swapped_ids(&self.origin.expected);
    }
}

/// How long the settings of a resolved issuer may be used, and when they were used last.
#[derive(Debug)]
pub(super) struct Lease {
    // Requests read the period without a lock, also while it is renewed.
    period: ArcSwap<Period>,
    /// When a token last selected the issuer, in seconds since the resolver was built.
    last_used: AtomicU64,
}

#[derive(Debug)]
struct Period {
    /// From then on, the resolver is called in the background.
    fresh_until: End,
    until: End,
}

impl Lease {
    /// Returns a lease that begins now.
    pub(super) fn new(ttl: Duration, now: Now) -> Self {
        Self {
            period: ArcSwap::from_pointee(Period::new(ttl, now)),
            last_used: AtomicU64::new(0),
        }
    }

    /// Begins the lease again.
    pub(super) fn renew(&self, ttl: Duration, now: Now) {
        self.period.store(Arc::new(Period::new(ttl, now)));
    }

    pub(super) fn is_current(&self, now: Now) -> bool {
        now.is_before(self.period.load().until)
    }

    /// Returns whether the settings should be resolved again in the background.
    pub(super) fn is_due(&self, now: Now) -> bool {
        !now.is_before(self.period.load().fresh_until)
    }

    pub(super) fn use_at(&self, second: u64) {
        // Most requests of a second find it stored, so that the cores share the value without writing it.
        if self.last_used.load(Ordering::Relaxed) != second {
            self.last_used.store(second, Ordering::Relaxed);
        }
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }
}

impl Period {
    fn new(ttl: Duration, now: Now) -> Self {
        Self {
            fresh_until: now.plus(ttl / 2),
            until: now.plus(ttl),
        }
    }
}

/// Warns if the audience or a client ID of an Okta issuer has the form of the other. This is not an error,
/// because Okta allows any text for both.
fn warn_of_swapped_ids(expected: &Expected) {
    let issuer = &*expected.issuer;
    if expected.profile != Profile::Okta {
        return;
    }
    // Okta's client IDs, such as 0oab8om4bars6Y80Z0h7, have 20 letters and digits.
    let is_client_id = |text: &str| {
        text.len() == 20
            && text.starts_with("0oa")
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if expected.audiences.iter().any(|it| is_client_id(it)) {
        tracing::warn!(
            issuer,
            "the audience looks like a client ID; write the audience of the authorization server, such as \"api://default\""
        );
    }
    if let checks::Clients::Listed(ids) = &expected.clients
        && ids.iter().any(|id| id.contains("://"))
    {
        tracing::warn!(
            issuer,
            "a client ID looks like an audience; write the ID of the client, such as \"0oa…\""
        );
    }
}

/// Returns the key store of an issuer with these settings.
pub(super) fn keys(
    resolved: &ResolvedIssuer,
    clients: &mut Clients,
    clock: &Arc<IssuerClock>,
    counters: &Arc<IssuerCounters>,
) -> Result<KeyStore, ConfigError> {
    if let Some(set) = &resolved.pinned {
        return Ok(KeyStore::Pinned(set.clone()));
    }
    let source = Source::new(
        clients.fetch(resolved.schemes(resolved.jwks_uri.as_deref()), clock)?,
        resolved.jwks_uri.clone(),
        resolved.metadata.clone(),
        resolved.key_options,
        clients.deadline(),
    );
    let jitter = random_u64();
    let keys = FetchedKeys::new(source, jitter, resolved.stale_if_error, counters.clone());
    let keys = match &resolved.key_snapshot {
        None => keys,
        Some(saved) => keys
            .restore(saved, Now::read())
            .map_err(|error| ConfigError::Keys {
                issuer: saved.issuer.clone(),
                problem: error.to_string(),
            })?,
    };
    Ok(KeyStore::Fetched(Arc::new(keys)))
}

/// The maximum of `Retry-After`. A retry does not help until the missing setting is added.
const RETRY_AFTER_MISCONFIGURATION: Duration = Duration::from_secs(120);
