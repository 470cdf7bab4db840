//! The issuers in use, and which of them a token belongs to.

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
    introspection::{Introspector, Question},
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
    /// Whether the log says that a route demands introspection, which is not configured.
    reported: AtomicBool,
}

/// All issuers in use. They are replaced as a whole, so that no request sees half of a change.
#[derive(Debug)]
pub(crate) struct Issuers {
    list: Vec<Arc<ActiveIssuer>>,
    by_issuer: HashMap<Box<str>, Arc<ActiveIssuer>>,
    // Neither kind of token names its issuer, so that at most one issuer can introspect it.
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
            reported: AtomicBool::new(false),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.origin.expected.issuer
    }

    /// Returns the introspector if the settings say that tokens of this kind are introspected.
    pub(super) fn introspects(&self, question: Question) -> Option<&Arc<Introspector>> {
        // Pinned keys are the user's choice: the issuer cannot vouch for a token that they do not verify.
        let pinned = question == Question::UnknownKey && self.keys.is_pinned();
        self.introspection
            .as_ref()
            .filter(|introspector| introspector.asks(question) && !pinned)
    }

    /// Returns the introspector if a token that local checks accepted has to be introspected. `max_age` is
    /// the route's.
    ///
    /// # Errors
    ///
    /// The route demands introspection, which is not configured. The token may be valid, so that this is
    /// not a 401, and the service is to blame.
    pub(super) fn must_introspect(
        &self,
        max_age: Option<Duration>,
    ) -> Result<Option<&Arc<Introspector>>, VerifyError> {
        match (&self.introspection, max_age) {
            (None, None) => Ok(None),
            (Some(introspector), Some(_)) => Ok(Some(introspector)),
            (Some(_), None) => Ok(self.introspects(Question::Accepted)),
            (None, Some(_)) => {
                if !self.reported.swap(true, Ordering::Relaxed) {
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

    /// Marks settings that are no longer in use: no token is accepted by them any longer.
    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

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
    /// # Errors
    ///
    /// There is no issuer, two issuers share a name, or two introspect tokens that do not name their issuer.
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
        let only_one = |question, problem| {
            let mut introspecting = list.iter().filter(|it| it.introspects(question).is_some());
            let first = introspecting.next().cloned();
            match introspecting.next() {
                None => Ok(first),
                Some(second) => Err(ConfigError::Introspection {
                    issuer: second.url().to_owned(),
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

    /// Returns the issuer that introspects tokens of a kind that does not name its issuer.
    pub(super) fn introspecting(&self, question: Question) -> Option<&Arc<ActiveIssuer>> {
        match question {
            Question::Opaque => self.opaque.as_ref(),
            Question::Encrypted => self.encrypted.as_ref(),
            Question::UnknownKey | Question::Accepted => None,
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

/// A setting is missing, so that an earlier attempt would be pointless.
const RETRY_AFTER_MISCONFIGURATION: Duration = Duration::from_secs(120);
