//! [`Registry`]: which rules belong to which issuer.

use std::{collections::HashMap, sync::Arc};

use super::{
    issuer_rules::{Change, IssuerRules},
    log::Limit,
    settings::Settings,
};
use crate::sync::clock::Now;

/// The rules of each issuer, by the values of `iss` that stand for it.
///
/// Settings with other aliases get rules of their own, which begin with those of each of their names. A rule is added
/// to all rules that have its issuer's name, so that every entry in use knows it.
#[derive(Default)]
pub(super) struct Registry {
    by_name: HashMap<Box<str>, Vec<Arc<IssuerRules>>>,
    /// The number of names at which unused rules are removed next.
    prune_at: usize,
    /// The number of names that only the shared log has named, and of the rules about them. Both only grow.
    unknown_names: usize,
    unknown_rules: usize,
    /// Whether there was no room for rules about an issuer that is not configured.
    has_dropped: bool,
}

impl Registry {
    /// Returns the rules of an issuer with these names. They begin with those of each name.
    pub(super) fn rules_of(
        &mut self,
        names: Box<[Box<str>]>,
        settings: &Arc<Settings>,
        now: Now,
    ) -> Arc<IssuerRules> {
        let named = |names: &[Box<str>]| names.first().and_then(|name| self.by_name.get(name));
        let mut same = named(&names).into_iter().flatten();
        if let Some(rules) = same.find(|it| it.names == names) {
            return rules.clone();
        }
        self.prune(now);
        let rules = Arc::new(IssuerRules::new(names, settings.clone()));
        for name in &rules.names {
            let others = self.by_name.entry(name.clone()).or_default();
            for other in &*others {
                // Nothing waits for the new rules yet.
                let _ = rules.restore(&other.snapshot(), now);
            }
            others.push(rules.clone());
        }
        rules
    }

    /// Returns each issuer once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<IssuerRules>> {
        self.by_name.iter().flat_map(|(name, all)| {
            let is_first = move |rules: &&Arc<IssuerRules>| rules.names.first() == Some(name);
            all.iter().filter(is_first)
        })
    }

    /// Removes rules that nothing uses and that can match no token. An issuer may be removed and added again, so rules
    /// that can match stay.
    fn prune(&mut self, now: Now) {
        if self.by_name.len() < self.prune_at {
            return;
        }
        self.by_name.retain(|_, all| {
            all.retain(|rules| {
                Arc::strong_count(rules) > rules.names.len() || !rules.is_empty(now)
            });
            !all.is_empty()
        });
        self.prune_at = (2 * self.by_name.len()).max(MIN_PRUNE);
    }

    /// Returns the rules of each issuer with this name.
    pub(super) fn named(&self, name: &str) -> &[Arc<IssuerRules>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns whether rules about an issuer with one of these names may have been dropped.
    pub(super) fn may_have_dropped(&self, names: &[Box<str>]) -> bool {
        self.has_dropped && names.iter().any(|name| self.named(name).is_empty())
    }

    /// Applies rules that the shared log has, which are about one issuer. Those about an issuer that is not configured
    /// are kept, because it may be configured later. Their number is limited, because a writer of the log can invent
    /// issuers. Returns what has changed, to be completed, or `None` if there is no room.
    pub(super) fn apply_records(
        &mut self,
        issuer: &str,
        records: &[(Limit, u64)],
        settings: &Arc<Settings>,
        now: Now,
    ) -> Option<Vec<(Arc<IssuerRules>, Change)>> {
        if self.named(issuer).is_empty() {
            if self.unknown_names >= MAX_UNKNOWN_NAMES {
                self.has_dropped = true;
                return None;
            }
            self.unknown_names += 1;
            self.rules_of([issuer.into()].into(), settings, now);
        }
        let of_issuer = self.named(issuer);
        // Nothing but the registry uses the rules of an issuer that is not configured.
        let is_used = |rules: &Arc<IssuerRules>| Arc::strong_count(rules) > rules.names.len();
        if !of_issuer.iter().any(is_used) {
            if self.unknown_rules.saturating_add(records.len()) > settings.capacity {
                self.has_dropped = true;
                return None;
            }
            self.unknown_rules += records.len();
        }
        let change = |held: &Arc<IssuerRules>| (held.clone(), held.apply_records(records, now));
        Some(self.named(issuer).iter().map(change).collect())
    }
}

/// With fewer names, unused ones are not worth a search.
const MIN_PRUNE: usize = 64;
const MAX_UNKNOWN_NAMES: usize = 1_024;
