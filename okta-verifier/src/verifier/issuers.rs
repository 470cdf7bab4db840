//! The issuers in use, and the selection of the issuer for a token.

use std::{
    borrow::Cow,
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
    /// The entries of each issuer, by the values of `iss`. Entries of one issuer have different audiences.
    by_issuer: HashMap<Box<str>, Vec<Arc<ActiveIssuer>>>,
    /// Whether an issuer has several tenants, whose `iss` is not a key of `by_issuer`.
    has_tenants: bool,
    // Opaque and encrypted tokens do not name their issuer, so at most one issuer can introspect tokens of
    // each kind.
    opaque: Option<Arc<ActiveIssuer>>,
    encrypted: Option<Arc<ActiveIssuer>>,
}

/// The entry that an unverified token selects.
pub(super) struct Selected<'i> {
    pub(super) issuer: &'i Arc<ActiveIssuer>,
    /// Whether the token is for the audiences of several entries, so that no single one can accept it.
    pub(super) is_ambiguous: bool,
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

    /// Marks the settings as no longer in use. No token is accepted with them afterwards.
    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Checks that the entry and another one with the same `iss` differ in their audiences, so that each
    /// token has one entry.
    fn check_beside(&self, other: &Self, name: &str) -> Result<(), ConfigError> {
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

    /// Returns whether the entry accepts tokens with this `aud`.
    fn may_accept(&self, aud: Option<&[Cow<'_, str>]>) -> bool {
        let expected = &self.origin.expected;
        match aud {
            Some(_) => expected.audiences_in(aud) != 0,
            None => expected.accepts_missing_audience(),
        }
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
        let mut by_issuer: HashMap<Box<str>, Vec<Arc<ActiveIssuer>>> = HashMap::new();
        for issuer in &list {
            for name in issuer.names() {
                let entries = by_issuer.entry(name.into()).or_default();
                for other in &*entries {
                    issuer.check_beside(other, name)?;
                }
                entries.push(issuer.clone());
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
            has_tenants: (list.iter()).any(|it| it.origin.expected.tenants.is_some()),
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

    /// Returns the entry of the issuer that the unverified `iss` names exactly. A token of an unknown issuer
    /// is rejected without any request, and no other issuer's keys are tried (RFC 8725 §3.8).
    ///
    /// Of several entries, the unverified `aud` selects one. If it selects none, the first entry rejects the
    /// token, after the signature was verified.
    pub(super) fn find(
        &self,
        iss: &str,
        aud: Option<&[Cow<'_, str>]>,
    ) -> Result<Selected<'_>, VerifyError> {
        let entries = self.entries(iss)?;
        let (Some(first), true) = (entries.first(), entries.len() > 1) else {
            let issuer = entries.first().ok_or(VerifyError::UnknownIssuer)?;
            return Ok(Selected {
                issuer,
                is_ambiguous: false,
            });
        };
        let mut matching = entries.iter().filter(|it| it.may_accept(aud));
        Ok(Selected {
            issuer: matching.next().unwrap_or(first),
            is_ambiguous: matching.next().is_some(),
        })
    }

    /// Returns an error if no entry has this URL.
    pub(super) fn check_url(&self, url: &str) -> Result<(), VerifyError> {
        self.entries(url).map(|_| ())
    }

    fn entries(&self, iss: &str) -> Result<&[Arc<ActiveIssuer>], VerifyError> {
        if let Some(entries) = self.by_issuer.get(iss) {
            return Ok(entries);
        }
        if self.has_tenants {
            // The template of an issuer is the key of its entries.
            let is_tenant = |it: &&Arc<ActiveIssuer>| {
                it.origin.expected.tenants.is_some() && it.origin.expected.is_issuer(iss)
            };
            let found = self.list.iter().find(is_tenant);
            if let Some(entries) = found.and_then(|it| self.by_issuer.get(it.url())) {
                return Ok(entries);
            }
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
