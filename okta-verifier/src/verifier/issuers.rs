//! The configured issuers, and the selection of the issuer for a token.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::{
    Verifier,
    active_issuer::{ActiveIssuer, Notes},
    decision_error::DecisionError,
};
use crate::{
    error::{ConfigError, VerifyError},
    health::IntrospectionCheck,
    http::Challenges,
    introspection::IntrospectionReason,
    issuer::Issuer,
    net::Clients,
    revocation::Revocations,
    stats::Counters,
    sync::clock::Now,
    token::claims::Claims,
    verified_token::VerifiedToken,
};

/// All configured issuers. They are replaced as a whole, so that no request sees half of a change.
#[derive(Debug)]
pub(crate) struct Issuers {
    pub(super) list: Vec<Arc<ActiveIssuer>>,
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
pub(super) struct Selected {
    pub(super) issuer: Arc<ActiveIssuer>,
    /// Whether the token is for the audiences of several entries, so that no single one can accept it.
    pub(super) is_ambiguous: bool,
}

impl Issuers {
    /// Builds the issuers from their settings. An issuer of `former` with the same settings is reused, unless
    /// another entry may now decide about some of its tokens.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting.
    pub(super) fn build(
        issuers: Vec<Issuer>,
        former: &[Arc<ActiveIssuer>],
        clients: &mut Clients,
        challenges: &Arc<Challenges>,
        counters: &Counters,
        revocations: Option<&Revocations>,
    ) -> Result<Self, ConfigError> {
        // The same `Arc` is not retired, so the keys, responses and cached tokens of the issuer stay valid. A
        // resolved issuer has a lease that ends, so only its keys can be reused.
        let same = |settings: &Issuer| {
            let mut former = former.iter();
            former.find(|it| it.lease.is_none() && it.settings == *settings)
        };
        let added: Vec<Issuer> = (issuers.iter().cloned())
            .map(Issuer::without_snapshot)
            .filter(|settings| same(settings).is_none())
            .collect();
        let mut new = Vec::new();
        let mut list: Vec<Arc<ActiveIssuer>> = Vec::new();
        for issuer in &issuers {
            let settings = issuer.clone().without_snapshot();
            // A cached token is accepted with the entry that it selected. If another entry is added for the
            // same `iss`, the token may select that entry now, or be for both.
            if let Some(same) = same(&settings)
                && !added.iter().any(|added| same.has_name_of(added))
            {
                list.push(same.clone());
                continue;
            }
            // Entries of one issuer share its keys, so that they are fetched once.
            let mut others = former.iter().chain(&list);
            let shared = others.find(|it| it.settings.has_keys_of(&settings));
            let shared = shared.map(|it| it.keys.clone());
            let issuer = issuer.with_snapshot_of(&issuers);
            let counters = |url: &str| counters.configured(url);
            let (issuer, notes) = ActiveIssuer::build(
                issuer,
                None,
                shared,
                counters,
                clients,
                challenges,
                revocations,
            )?;
            new.push(notes);
            list.push(issuer);
        }
        let issuers = Self::new(list)?;
        new.into_iter().for_each(Notes::log);
        Ok(issuers)
    }

    /// Indexes the issuers by the values of `iss` that stand for them.
    ///
    /// # Errors
    ///
    /// Returns an error if two issuers have a name in common, or if two issuers introspect the same kind of
    /// tokens that do not name their issuer.
    fn new(list: Vec<Arc<ActiveIssuer>>) -> Result<Self, ConfigError> {
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
    ) -> Result<Selected, VerifyError> {
        let (first, others) =
            (self.entries(iss)?.split_first()).ok_or(VerifyError::UnknownIssuer)?;
        if others.is_empty() {
            return Ok(Selected {
                issuer: first.clone(),
                is_ambiguous: false,
            });
        }
        let entries = std::iter::once(first).chain(others);
        let mut matching = entries.filter(|it| it.may_accept(aud));
        Ok(Selected {
            issuer: matching.next().unwrap_or(first).clone(),
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

    /// Returns the entry with which this token was accepted, if it is still configured.
    pub(super) fn of_token(&self, token: &VerifiedToken) -> Option<&Arc<ActiveIssuer>> {
        let mut entries = self.by_issuer.get(token.configured_issuer())?.iter();
        entries.find(|it| token.is_of(&it.origin))
    }

    /// Retires the issuers that are not in `next`, and returns them. The caller must wake their waiters.
    pub(super) fn retire_all_but(&self, next: &Self) -> Vec<Arc<ActiveIssuer>> {
        let stays = |issuer| next.list.iter().any(|other| Arc::ptr_eq(issuer, other));
        let leaving = self.list.iter().filter(|issuer| !stays(issuer));
        leaving
            .inspect(|issuer| issuer.retirement.retire())
            .cloned()
            .collect()
    }
}

impl Verifier {
    /// Sends one introspection request about an invented token to each configured issuer with
    /// [`Issuer::introspection`], so that wrong credentials are found at startup and not by the first request.
    ///
    /// The requests are sent one after the other, each with the fetch timeout. They count neither for the rate
    /// limits nor for the [state of introspection](crate::health::IntrospectionState). An issuer passes if it
    /// responds that the token is inactive; a response that says anything else about an invented token is
    /// reported as [`Malformed`](crate::error::UnavailableReason::Malformed).
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};
    /// # use okta_verifier::{Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// let verifier = |secret: &str| {
    ///     let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
    ///     let issuer = okta.issuer("api://default").any_client_id();
    ///     Verifier::builder().issuer(issuer.introspection(Introspection::opaque_tokens(client))).build()
    /// };
    /// let check = verifier(CLIENT_SECRET)?.check_introspection().await.remove(0);
    /// assert!(check.result.is_ok());
    ///
    /// let check = verifier("an old secret")?.check_introspection().await.remove(0);
    /// assert_eq!(check.result.unwrap_err().code(), "introspection_credentials_rejected");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_introspection(&self) -> Vec<IntrospectionCheck> {
        let mut checks = Vec::new();
        for issuer in self.configured().iter() {
            if let Some(introspector) = &issuer.introspection {
                checks.push(IntrospectionCheck {
                    issuer: issuer.url().to_owned(),
                    result: introspector.check().await,
                });
            }
        }
        checks
    }

    /// Returns the entry that the unverified claims select: a configured issuer, else a resolved one. Returns
    /// `None` if the issuer resolver must be called.
    pub(super) fn select(
        &self,
        claims: &Claims<'_>,
        now: Now,
    ) -> Result<Option<Selected>, DecisionError> {
        let configured = self.0.issuers.load();
        match (
            configured.find(&claims.iss, claims.aud.as_deref()),
            &self.0.resolved,
        ) {
            (Err(VerifyError::UnknownIssuer), Some(resolved)) => {
                let found = resolved.find(self, &claims.iss, now);
                let found = found.map_err(|error| resolved.error(error, &claims.iss))?;
                Ok(found.map(|issuer| Selected {
                    issuer,
                    is_ambiguous: false,
                }))
            }
            (selected, _) => Ok(Some(selected?)),
        }
    }

    /// Returns an error if no issuer has this URL.
    pub(super) fn check_url(&self, url: &str, now: Now) -> Result<(), VerifyError> {
        match (self.0.issuers.load().check_url(url), &self.0.resolved) {
            (Err(VerifyError::UnknownIssuer), Some(resolved)) if resolved.may_know(url, now) => {
                Ok(())
            }
            (result, _) => result,
        }
    }

    pub(super) fn configured(&self) -> Arc<Issuers> {
        self.0.issuers.load_full()
    }

    /// Returns the configured issuers, and then the resolved ones that are cached.
    pub(super) fn issuers(&self) -> Vec<Arc<ActiveIssuer>> {
        let resolved = self.0.resolved.as_ref().map(|it| it.cached());
        let configured = self.0.issuers.load();
        configured
            .iter()
            .cloned()
            .chain(resolved.into_iter().flatten())
            .collect()
    }

    /// Returns whether tokens may be accepted with the settings of this issuer: they were not replaced and,
    /// if the resolver returned them, not too long ago.
    #[inline]
    pub(super) fn is_in_use(&self, issuer: &Arc<ActiveIssuer>, now: Now) -> bool {
        let is_current = match &self.0.resolved {
            Some(resolved) => resolved.is_current(self, issuer, now),
            None => true,
        };
        is_current && !issuer.is_retired()
    }
}
