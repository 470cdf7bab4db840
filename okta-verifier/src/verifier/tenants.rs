use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    error::{ConfigError, VerifyError},
    issuer::Issuer,
    keys::KeyStore,
    token::Origin,
};

/// One issuer at work.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) settings: Issuer,
    pub(crate) origin: Arc<Origin>,
    pub(crate) keys: KeyStore,
    retired: AtomicBool,
}

/// All issuers at work; replaced as a whole.
#[derive(Debug)]
pub(crate) struct Tenants {
    list: Vec<Arc<Tenant>>,
    by_issuer: HashMap<Box<str>, Arc<Tenant>>,
}

impl Tenant {
    pub(crate) fn new(settings: Issuer, origin: Arc<Origin>, keys: KeyStore) -> Self {
        Self {
            settings,
            origin,
            keys,
            retired: AtomicBool::new(false),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.origin.expected.issuer
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
    /// There is none, or two have a name in common.
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
        Ok(Self { list, by_issuer })
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
