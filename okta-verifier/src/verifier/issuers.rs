//! The issuers in use, and the selection of the issuer for a token.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    error::{ConfigError, UnavailableReason, VerifyError},
    introspection::{IntrospectionReason, Introspector},
    issuer::Issuer,
    keys::KeyStore,
    verified_token::Origin,
};

/// One issuer in use: its settings, its keys and its introspection endpoint.
#[derive(Debug)]
pub(crate) struct ActiveIssuer {
    pub(crate) settings: Issuer,
    pub(crate) origin: Arc<Origin>,
    pub(crate) keys: KeyStore,
    pub(crate) introspection: Option<Arc<Introspector>>,
    retired: AtomicBool,
    /// Whether this error was logged: a route requires introspection, but the issuer has none configured.
    /// The error is logged only once.
    logged: AtomicBool,
}

/// All issuers in use. They are replaced as a whole, so that no request sees half of a change.
#[derive(Debug)]
pub(crate) struct Issuers {
    list: Vec<Arc<ActiveIssuer>>,
    by_issuer: HashMap<Box<str>, Arc<ActiveIssuer>>,
    // Opaque and encrypted tokens do not name their issuer, so at most one issuer can introspect tokens of
    // each kind.
    opaque: Option<Arc<ActiveIssuer>>,
    encrypted: Option<Arc<ActiveIssuer>>,
}

impl ActiveIssuer {
    pub(crate) fn new(
        settings: Issuer,
        origin: Arc<Origin>,
        keys: KeyStore,
        introspection: Option<Arc<Introspector>>,
    ) -> Self {
        Self {
            settings,
            origin,
            keys,
            introspection,
            retired: AtomicBool::new(false),
            logged: AtomicBool::new(false),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.origin.expected.issuer
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
    /// `max_age` is the maximum age of an introspection response that the route accepts.
    ///
    /// # Errors
    ///
    /// Returns an error if the route requires introspection, but introspection is not configured for the
    /// issuer. The token may be valid, so the request is rejected with 503 and not with 401.
    #[inline]
    pub(super) fn must_introspect(
        &self,
        max_age: Option<Duration>,
    ) -> Result<Option<&Arc<Introspector>>, VerifyError> {
        match (&self.introspection, max_age) {
            (None, None) => Ok(None),
            (Some(introspector), Some(_)) => Ok(Some(introspector)),
            (Some(_), None) => Ok(self.introspector_for(IntrospectionReason::Accepted)),
            (None, Some(_)) => {
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

    /// Marks the settings as no longer in use. No token is accepted with them afterwards.
    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Returns the values of `iss` that stand for this issuer.
    fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = &self.origin.expected.aliases;
        std::iter::once(self.url()).chain(aliases.iter().map(String::as_str))
    }
}

impl Issuers {
    /// Indexes the issuers by the values of `iss` that stand for them.
    ///
    /// # Errors
    ///
    /// Returns an error if the list is empty, if two issuers have a name in common, or if two issuers
    /// introspect the same kind of tokens that do not name their issuer.
    pub(crate) fn new(list: Vec<Arc<ActiveIssuer>>) -> Result<Self, ConfigError> {
        if list.is_empty() {
            return Err(ConfigError::NoIssuer);
        }
        let mut by_issuer = HashMap::new();
        for issuer in &list {
            for name in issuer.names() {
                if by_issuer.insert(name.into(), issuer.clone()).is_some() {
                    return Err(ConfigError::DuplicateIssuer { url: name.into() });
                }
            }
        }
        let only_one = |reason, problem: &str| {
            let mut introspecting = list
                .iter()
                .filter(|it| it.introspector_for(reason).is_some());
            let first = introspecting.next().cloned();
            match introspecting.next() {
                None => Ok(first),
                Some(second) => Err(ConfigError::Introspection {
                    issuer: second.url().to_owned(),
                    problem: problem.to_owned(),
                }),
            }
        };
        Ok(Self {
            opaque: only_one(
                IntrospectionReason::Opaque,
                "another issuer introspects opaque tokens already, and these do not name their issuer; call .signed_tokens_only() or use Introspection::on_demand(..) for all issuers but one",
            )?,
            encrypted: only_one(
                IntrospectionReason::Encrypted,
                "another issuer introspects encrypted tokens already, and these do not name their issuer; call .encrypted_tokens() for one issuer only",
            )?,
            by_issuer,
            list,
        })
    }

    /// Returns the issuer that introspects a kind of tokens that do not name their issuer, or `None` if
    /// there is no such issuer.
    pub(super) fn introspecting(&self, reason: IntrospectionReason) -> Option<&Arc<ActiveIssuer>> {
        match reason {
            IntrospectionReason::Opaque => self.opaque.as_ref(),
            IntrospectionReason::Encrypted => self.encrypted.as_ref(),
            IntrospectionReason::UnknownKey | IntrospectionReason::Accepted => None,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ActiveIssuer>> {
        self.list.iter()
    }

    /// Returns the issuer that the unverified `iss` names exactly. A token of an unknown issuer is rejected
    /// without any request, and no other issuer's keys are tried (RFC 8725 §3.8).
    pub(super) fn find(&self, iss: &str) -> Result<&Arc<ActiveIssuer>, VerifyError> {
        if let Some(issuer) = self.by_issuer.get(iss) {
            return Ok(issuer);
        }
        let is_org_server = |name: &str| {
            name.strip_prefix(iss)
                .is_some_and(|rest| rest.starts_with("/oauth2/"))
        };
        if self
            .list
            .iter()
            .flat_map(|it| it.names())
            .any(is_org_server)
        {
            return Err(VerifyError::OrgAuthorizationServer);
        }
        Err(VerifyError::UnknownIssuer)
    }

    /// Retires the issuers that are not in `next`.
    pub(super) fn retire_all_but(&self, next: &Self) {
        let stays = |issuer| next.list.iter().any(|other| Arc::ptr_eq(issuer, other));
        let leaving = self.list.iter().filter(|issuer| !stays(issuer));
        leaving.for_each(|issuer| issuer.retire());
    }
}

/// The maximum of `Retry-After`. A retry does not help until the missing setting is added.
const RETRY_AFTER_MISCONFIGURATION: Duration = Duration::from_secs(120);
