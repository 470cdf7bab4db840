//! The last answers, by the token's fingerprint; never the token. Whether an answer is still good is
//! asked of itself at each use: the caches' own clock only lets go of what is of no use.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use super::{
    answer::{Checked, REFUSALS},
    gate::Caller,
};
use crate::{crypto::Fingerprint, error::VerifyError, time::Now};

/// One issuer's: nothing that another issuer said can be found in it.
pub(super) struct Answers {
    active: Cache<Fingerprint, Arc<Checked>>,
    /// Apart, and small: a flood of made-up tokens pushes nothing out but its own kind.
    refused: Cache<Fingerprint, Arc<Checked>>,
    /// The callers of tokens that the issuer has called active and that local checks cannot verify. They
    /// outlive the answers: the next request about such a token does not count as a stranger's.
    known: Cache<Fingerprint, Caller>,
    /// Whether any token was ever found inactive: until then nobody need look.
    any_inactive: AtomicBool,
}

impl Answers {
    pub(super) fn new(max_age: Duration) -> Self {
        Self {
            active: Cache::builder()
                .max_capacity(MAX_ACTIVE)
                .weigher(|_, checked: &Arc<Checked>| weight(checked))
                .time_to_live(max_age.max(SHORTEST))
                .build(),
            refused: Cache::builder()
                .max_capacity(MAX_REFUSED)
                .time_to_live(REFUSALS)
                .build(),
            known: Cache::builder()
                .max_capacity(MAX_KNOWN)
                .time_to_live(KNOWN_FOR)
                .build(),
            any_inactive: AtomicBool::new(false),
        }
    }

    /// The answer that `holds`.
    pub(super) fn find(
        &self,
        fingerprint: Fingerprint,
        holds: impl Fn(&Checked) -> bool,
    ) -> Option<Arc<Checked>> {
        let of = |cache: &Cache<Fingerprint, Arc<Checked>>| {
            cache.get(&fingerprint).filter(|checked| holds(checked))
        };
        of(&self.active).or_else(|| of(&self.refused))
    }

    pub(super) fn any_inactive(&self) -> bool {
        self.any_inactive.load(Ordering::Relaxed)
    }

    /// Whether the issuer has said lately that the token is not active.
    pub(super) fn forbid(&self, fingerprint: Fingerprint, now: Now) -> bool {
        let refused = self.refused.get(&fingerprint);
        refused.is_some_and(|checked| checked.forbids(now))
    }

    /// The caller whose token this is, if the issuer has called it active before.
    pub(super) fn known(&self, fingerprint: Fingerprint) -> Option<Caller> {
        self.known.get(&fingerprint)
    }

    /// Replaces any older answer. `caller` is given for a token that becomes a known one.
    pub(super) fn remember(
        &self,
        fingerprint: Fingerprint,
        checked: Arc<Checked>,
        caller: Option<Caller>,
    ) {
        match caller {
            Some(caller) => self.known.insert(fingerprint, caller),
            None => self.known.invalidate(&fingerprint),
        }
        let (to, from) = match checked.verdict {
            Ok(_) => (&self.active, &self.refused),
            Err(_) => (&self.refused, &self.active),
        };
        if matches!(checked.verdict, Err(VerifyError::Inactive)) {
            self.any_inactive.store(true, Ordering::Relaxed);
        }
        from.invalidate(&fingerprint);
        to.insert(fingerprint, checked);
    }

    /// What came was no answer: it takes the place of none.
    pub(super) fn put_off(&self, fingerprint: Fingerprint, checked: Arc<Checked>) {
        self.refused.insert(fingerprint, checked);
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (u64, u64) {
        self.active.run_pending_tasks();
        self.refused.run_pending_tasks();
        (self.active.entry_count(), self.refused.entry_count())
    }
}

/// In bytes, about: an answer may be as long as 64 KiB.
fn weight(checked: &Checked) -> u32 {
    let answer = checked.verdict.as_ref().map_or(0, |token| token.size());
    u32::try_from(answer)
        .unwrap_or(u32::MAX)
        .saturating_add(OVERHEAD)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// Bytes: some ten thousand answers of Okta's size.
const MAX_ACTIVE: u64 = 16 * 1024 * 1024;
const OVERHEAD: u32 = 1024;
const MAX_REFUSED: u64 = 1024;
/// At about 150 bytes each.
const MAX_KNOWN: u64 = 20_000;
/// A token that is not used for so long counts as new again.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// An answer that must not be used again still serves all who waited for it.
const SHORTEST: Duration = Duration::from_secs(1);
