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
use tokio::time::Instant;

use super::{
    rate_limits::{Caller, Class},
    response::{Checked, REFUSALS},
};
use crate::{
    crypto::Fingerprint,
    error::{UnavailableReason, VerifyError},
    sync::{
        backoff::{self, MAX_RETRY_AFTER},
        clock::Now,
    },
};

/// One issuer's: nothing that another issuer said can be found in it.
pub(super) struct Answers {
    active: Cache<Fingerprint, Arc<Checked>>,
    /// Tokens that the issuer refused.
    refused: Split<Arc<Checked>>,
    /// Tokens about which a request failed. Apart from the refusals: a failure is no answer, and takes
    /// the place of none.
    put_off: Split<PutOff>,
    /// The callers of tokens that the issuer has called active and that local checks cannot verify. They
    /// outlive the answers: the next request about such a token does not count as a stranger's.
    known: Cache<Fingerprint, Caller>,
    /// Whether any token was ever found inactive: until then nobody need look.
    any_inactive: AtomicBool,
}

/// Tokens that strangers may have invented are apart from all others: a flood of them evicts nothing but
/// its own kind.
struct Split<T> {
    trusted: Cache<Fingerprint, T>,
    unverified: Cache<Fingerprint, T>,
}

/// A token about which no request is sent for a while.
#[derive(Clone)]
pub(super) struct PutOff {
    until: Instant,
    /// How many requests in a row have failed.
    failures: u32,
    source: UnavailableReason,
}

impl Answers {
    pub(super) fn new(max_age: Duration) -> Self {
        Self {
            active: Cache::builder()
                .max_capacity(MAX_ACTIVE)
                .weigher(|_, checked: &Arc<Checked>| weight(checked))
                .time_to_live(max_age.max(SHORTEST))
                .build(),
            refused: Split::new(REFUSALS),
            put_off: Split::new(PUT_OFF_REMEMBERED),
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
        let active = self.active.get(&fingerprint).filter(|it| holds(it));
        active.or_else(|| self.refused.get(fingerprint).filter(|it| holds(it)))
    }

    /// Returns how long no request about the token is sent, and why the last one failed. This holds for
    /// routes that demand a recent answer too.
    pub(super) fn is_put_off(
        &self,
        fingerprint: Fingerprint,
        now: Now,
    ) -> Option<(Duration, UnavailableReason)> {
        let PutOff { until, source, .. } = self.put_off.get(fingerprint)?;
        let left = until.saturating_duration_since(now.instant);
        (!left.is_zero()).then_some((left, source))
    }

    pub(super) fn any_inactive(&self) -> bool {
        self.any_inactive.load(Ordering::Relaxed)
    }

    /// Whether the issuer has said lately that the token is not active.
    pub(super) fn forbid(&self, fingerprint: Fingerprint, now: Now) -> bool {
        let refused = self.refused.get(fingerprint);
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
        class: Class,
        checked: Arc<Checked>,
        caller: Option<Caller>,
    ) {
        match caller {
            Some(caller) => self.known.insert(fingerprint, caller),
            None => self.known.invalidate(&fingerprint),
        }
        if matches!(checked.verdict, Err(VerifyError::Inactive)) {
            self.any_inactive.store(true, Ordering::Relaxed);
        }
        self.put_off.remove(fingerprint);
        match checked.verdict {
            Ok(_) => {
                self.refused.remove(fingerprint);
                self.active.insert(fingerprint, checked);
            }
            Err(_) => {
                self.active.invalidate(&fingerprint);
                self.refused.insert(fingerprint, class, checked);
            }
        }
    }

    /// A request about the token failed: the next one is sent after a time that doubles with each
    /// failure, or after as long as the issuer `asked_for`, if that is longer. Returns that time.
    pub(super) fn put_off(
        &self,
        fingerprint: Fingerprint,
        class: Class,
        source: UnavailableReason,
        now: Now,
    ) -> Duration {
        let failures = self
            .put_off
            .get(fingerprint)
            .map_or(0, |last| last.failures);
        let asked_for = source.retry_after().unwrap_or_default();
        let pause = backoff::doubled(failures).max(asked_for.min(MAX_RETRY_AFTER));
        let put_off = PutOff {
            until: now.instant + pause,
            failures: failures.saturating_add(1),
            source,
        };
        self.put_off.insert(fingerprint, class, put_off);
        pause
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (u64, u64) {
        self.active.run_pending_tasks();
        let refused = [&self.refused.trusted, &self.refused.unverified].map(|cache| {
            cache.run_pending_tasks();
            cache.entry_count()
        });
        (self.active.entry_count(), refused.into_iter().sum())
    }
}

impl<T: Clone + Send + Sync + 'static> Split<T> {
    fn new(time_to_live: Duration) -> Self {
        let cache = |capacity| {
            Cache::builder()
                .max_capacity(capacity)
                .time_to_live(time_to_live)
                .build()
        };
        Self {
            trusted: cache(MAX_TRUSTED),
            unverified: cache(MAX_UNVERIFIED),
        }
    }

    fn get(&self, fingerprint: Fingerprint) -> Option<T> {
        let trusted = self.trusted.get(&fingerprint);
        trusted.or_else(|| self.unverified.get(&fingerprint))
    }

    fn insert(&self, fingerprint: Fingerprint, class: Class, value: T) {
        self.remove(fingerprint);
        let cache = match class {
            Class::Verified | Class::Known => &self.trusted,
            Class::Unverified => &self.unverified,
        };
        cache.insert(fingerprint, value);
    }

    fn remove(&self, fingerprint: Fingerprint) {
        self.trusted.invalidate(&fingerprint);
        self.unverified.invalidate(&fingerprint);
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
/// Of verified and known tokens, and of all others.
const MAX_TRUSTED: u64 = 8192;
const MAX_UNVERIFIED: u64 = 1024;
/// Longer than a token is put off: its failures in a row are counted.
const PUT_OFF_REMEMBERED: Duration = Duration::from_secs(180);
/// At about 150 bytes each.
const MAX_KNOWN: u64 = 20_000;
/// A token that is not used for so long counts as new again.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// An answer that must not be used again still serves all who waited for it.
const SHORTEST: Duration = Duration::from_secs(1);
