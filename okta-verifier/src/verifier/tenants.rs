use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    error::{ConfigError, FetchError, VerifyError},
    introspection::{Introspector, Question},
    issuer::Issuer,
    keys::KeyStore,
    verified_token::Origin,
};

/// One issuer at work.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) settings: Issuer,
    pub(crate) origin: Arc<Origin>,
    pub(crate) keys: KeyStore,
    pub(crate) introspection: Option<Arc<Introspector>>,
    retired: AtomicBool,
    /// Somebody demanded introspection where there is none.
    missed: AtomicBool,
}

/// All issuers at work; replaced as a whole.
#[derive(Debug)]
pub(crate) struct Tenants {
    list: Vec<Arc<Tenant>>,
    by_issuer: HashMap<Box<str>, Arc<Tenant>>,
    /// The issuer that introspects opaque tokens, and the one that introspects encrypted tokens:
    /// neither kind names its issuer.
    opaque: Option<Arc<Tenant>>,
    encrypted: Option<Arc<Tenant>>,
}

impl Tenant {
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
            missed: AtomicBool::new(false),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.origin.expected.issuer
    }

    /// Who answers for tokens of this kind, if the settings want them asked about.
    pub(super) fn asks(&self, question: Question) -> Option<&Arc<Introspector>> {
        let pinned = question == Question::UnknownKey && self.keys.is_pinned();
        self.introspection
            .as_ref()
            .filter(|introspector| introspector.asks(question) && !pinned)
    }

    /// The same for a token that local checks accepted, for a route that wants an answer no
    /// older than `max_age`.
    ///
    /// # Errors
    ///
    /// The route wants an answer and there is nobody to ask. The token may be good, so this is
    /// no 401; and it is ours to repair, as [`Verifier::set_issuers`](super::Verifier) can at
    /// any time.
    pub(super) fn must_ask(
        &self,
        max_age: Option<Duration>,
    ) -> Result<Option<&Arc<Introspector>>, VerifyError> {
        match (&self.introspection, max_age) {
            (None, None) => Ok(None),
            (Some(introspector), Some(_)) => Ok(Some(introspector)),
            (Some(_), None) => Ok(self.asks(Question::Accepted)),
            (None, Some(_)) => {
                if !self.missed.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        issuer = self.issuer(),
                        "route requires recent introspection, but the token's issuer has none configured"
                    );
                }
                Err(VerifyError::unavailable(
                    NOT_SOON,
                    FetchError::NoIntrospection,
                ))
            }
        }
    }

    /// Its settings are no longer those: what they accepted must be judged anew.
    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// `iss` and the other values that stand for it.
    fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = &self.origin.expected.aliases;
        [self.issuer()]
            .into_iter()
            .chain(aliases.iter().map(String::as_str))
    }
}

impl Tenants {
    /// # Errors
    ///
    /// There is none, or two have a name in common, or two claim what does not name its issuer.
    pub(crate) fn new(list: Vec<Arc<Tenant>>) -> Result<Self, ConfigError> {
        if list.is_empty() {
            return Err(ConfigError::NoIssuer);
        }
        let mut by_issuer = HashMap::new();
        for tenant in &list {
            for name in tenant.names() {
                if by_issuer.insert(name.into(), tenant.clone()).is_some() {
                    return Err(ConfigError::DuplicateIssuer { url: name.into() });
                }
            }
        }
        let only_one = |question, problem| {
            let mut introspecting = list.iter().filter(|it| it.asks(question).is_some());
            let first = introspecting.next().cloned();
            match introspecting.next() {
                None => Ok(first),
                Some(second) => Err(ConfigError::Introspection {
                    issuer: second.issuer().to_owned(),
                    problem,
                }),
            }
        };
        Ok(Self {
            opaque: only_one(
                Question::Opaque,
                "another issuer introspects opaque tokens already, and these do not name their issuer; call .signed_tokens_only() or use Introspection::on_demand(..) for all issuers but one",
            )?,
            encrypted: only_one(
                Question::Encrypted,
                "another issuer introspects encrypted tokens already, and these do not name their issuer; call .encrypted_tokens() for one issuer only",
            )?,
            by_issuer,
            list,
        })
    }

    /// Returns the introspector for a token that does not name its issuer.
    pub(super) fn asks(&self, question: Question) -> Option<&Arc<Introspector>> {
        let tenant = match question {
            Question::Opaque => &self.opaque,
            Question::Encrypted => &self.encrypted,
            Question::UnknownKey | Question::Accepted => return None,
        };
        tenant.as_ref()?.asks(question)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.list.iter()
    }

    /// By the exact, unverified `iss`: an unknown one is refused without a word to the network,
    /// and no other issuer's keys are tried (RFC 8725 §3.8).
    pub(super) fn find(&self, iss: &str) -> Result<&Arc<Tenant>, VerifyError> {
        if let Some(tenant) = self.by_issuer.get(iss) {
            return Ok(tenant);
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

    /// Those that `next` goes without are retired.
    pub(super) fn give_way_to(&self, next: &Self) {
        let stays = |tenant| next.list.iter().any(|other| Arc::ptr_eq(tenant, other));
        let leaving = self.list.iter().filter(|tenant| !stays(tenant));
        leaving.for_each(|tenant| tenant.retire());
    }
}

/// A setting is missing: coming back soon will not help.
const NOT_SOON: Duration = Duration::from_secs(120);
