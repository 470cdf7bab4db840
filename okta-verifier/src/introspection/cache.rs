//! A cache of one issuer's introspection responses, with keyed fingerprints of the tokens as keys. The
//! tokens themselves are not stored. Every look-up checks whether the response can still be used; the time
//! to live of an entry only limits the memory.

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
    rate_limits::{Class, TokenOwner},
    response::{IntrospectionResponse, REJECTION_TTL},
};
use crate::{
    crypto::Fingerprint,
    error::{UnavailableReason, VerifyError},
    sync::{
        backoff::{self, MAX_RETRY_AFTER},
        clock::Now,
    },
};

/// The introspection responses of one issuer. Each issuer has its own cache, so a response of one issuer is
/// never used for another.
pub(super) struct ResponseCache {
    active: Cache<Fingerprint, Arc<IntrospectionResponse>>,
    /// Responses that reject the token.
    rejected: SplitCache<Arc<IntrospectionResponse>>,
    /// The back-offs of tokens about which a request failed. They are kept apart from the rejections,
    /// because a failure is not a response and must not evict a rejection.
    back_offs: SplitCache<TokenBackOff>,
    /// The client and the subject of each token that cannot be verified locally and that the latest
    /// response about it accepted. They are kept for longer than the response, so that the next request
    /// about the token does not use the budget of unverified tokens.
    owners: Cache<Fingerprint, TokenOwner>,
    /// Whether the issuer has reported any token as inactive. Until then, look-ups of inactive tokens are
    /// skipped.
    any_inactive: AtomicBool,
    /// Whether any token that the issuer reported as active was accepted.
    any_active: AtomicBool,
}

/// Keeps the entries of unverified tokens, which strangers may have invented, apart from all others. A
/// flood of invented tokens therefore evicts only entries of unverified tokens.
struct SplitCache<T> {
    trusted: Cache<Fingerprint, T>,
    unverified: Cache<Fingerprint, T>,
}

/// The back-off of one token: no request about the token is sent before `until`.
#[derive(Clone)]
struct TokenBackOff {
    until: Instant,
    /// The number of failed requests in a row.
    failures: u32,
    source: UnavailableReason,
}

impl ResponseCache {
    pub(super) fn new(max_age: Duration) -> Self {
        Self {
            active: Cache::builder()
                .max_capacity(MAX_ACTIVE)
                .weigher(|_, response: &Arc<IntrospectionResponse>| weight(response))
                .time_to_live(max_age.max(MIN_TTL))
                .build(),
            rejected: SplitCache::new(REJECTION_TTL),
            back_offs: SplitCache::new(BACK_OFF_TTL),
            owners: Cache::builder()
                .max_capacity(MAX_OWNERS)
                .time_to_live(OWNER_TTL)
                .build(),
            any_inactive: AtomicBool::new(false),
            any_active: AtomicBool::new(false),
        }
    }

    /// Returns the cached response about the token, or `None` if there is none that `meets` accepts.
    pub(super) fn find(
        &self,
        fingerprint: Fingerprint,
        meets: impl Fn(&IntrospectionResponse) -> bool,
    ) -> Option<Arc<IntrospectionResponse>> {
        let active = self.active.get(&fingerprint).filter(|it| meets(it));
        active.or_else(|| self.rejected.get(fingerprint).filter(|it| meets(it)))
    }

    /// Returns the remaining back-off of the token and why the last request about the token failed, or
    /// `None` if a request may be sent. The back-off also applies to routes that require a recent response.
    pub(super) fn back_off(
        &self,
        fingerprint: Fingerprint,
        now: Now,
    ) -> Option<(Duration, UnavailableReason)> {
        let TokenBackOff { until, source, .. } = self.back_offs.get(fingerprint)?;
        let left = until.saturating_duration_since(now.instant);
        (!left.is_zero()).then_some((left, source))
    }

    pub(super) fn any_inactive(&self) -> bool {
        self.any_inactive.load(Ordering::Relaxed)
    }

    pub(super) fn any_active(&self) -> bool {
        self.any_active.load(Ordering::Relaxed)
    }

    /// Returns whether the issuer has recently reported the token as inactive.
    pub(super) fn is_inactive(&self, fingerprint: Fingerprint, now: Now) -> bool {
        let rejected = self.rejected.get(fingerprint);
        rejected.is_some_and(|response| response.says_inactive(now))
    }

    /// Returns the client and the subject of a token that cannot be verified locally, as keyed hashes.
    /// Returns `None` unless the latest response about the token accepted it.
    pub(super) fn owner(&self, fingerprint: Fingerprint) -> Option<TokenOwner> {
        self.owners.get(&fingerprint)
    }

    /// Caches the response and removes any older response about the token. `owner` has the client and the
    /// subject of the token, if the response accepted the token and the token was not verified locally.
    pub(super) fn insert(
        &self,
        fingerprint: Fingerprint,
        class: Class,
        response: Arc<IntrospectionResponse>,
        owner: Option<TokenOwner>,
    ) {
        match owner {
            Some(owner) => self.owners.insert(fingerprint, owner),
            None => self.owners.invalidate(&fingerprint),
        }
        if matches!(response.result, Err(VerifyError::Inactive)) {
            self.any_inactive.store(true, Ordering::Relaxed);
        }
        self.back_offs.remove(fingerprint);
        match response.result {
            Ok(_) => {
                self.any_active.store(true, Ordering::Relaxed);
                self.rejected.remove(fingerprint);
                self.active.insert(fingerprint, response);
            }
            Err(_) => {
                self.active.invalidate(&fingerprint);
                self.rejected.insert(fingerprint, class, response);
            }
        }
    }

    /// Records a failed request about the token and returns the back-off. The back-off doubles with each
    /// failure, up to 30 s. A longer `Retry-After` of the issuer replaces it, up to 120 s.
    pub(super) fn record_failure(
        &self,
        fingerprint: Fingerprint,
        class: Class,
        source: UnavailableReason,
        now: Now,
    ) -> Duration {
        let failures = self
            .back_offs
            .get(fingerprint)
            .map_or(0, |last| last.failures);
        let retry_after = source.retry_after().unwrap_or_default();
        let pause = backoff::doubled(failures).max(retry_after.min(MAX_RETRY_AFTER));
        let back_off = TokenBackOff {
            until: now.instant + pause,
            failures: failures.saturating_add(1),
            source,
        };
        self.back_offs.insert(fingerprint, class, back_off);
        pause
    }

    /// Returns the numbers of active and of rejected tokens in the cache.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (u64, u64) {
        self.active.run_pending_tasks();
        let rejected = [&self.rejected.trusted, &self.rejected.unverified].map(|cache| {
            cache.run_pending_tasks();
            cache.entry_count()
        });
        (self.active.entry_count(), rejected.into_iter().sum())
    }
}

impl<T: Clone + Send + Sync + 'static> SplitCache<T> {
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
            Class::Verified | Class::PreviouslyActive => &self.trusted,
            Class::Unverified => &self.unverified,
        };
        cache.insert(fingerprint, value);
    }

    fn remove(&self, fingerprint: Fingerprint) {
        self.trusted.invalidate(&fingerprint);
        self.unverified.invalidate(&fingerprint);
    }
}

/// Returns the approximate size of a response in bytes. Active responses are weighed because one response
/// may be up to 64 KiB long.
fn weight(response: &IntrospectionResponse) -> u32 {
    let size = response.result.as_ref().map_or(0, |token| token.size());
    u32::try_from(size)
        .unwrap_or(u32::MAX)
        .saturating_add(OVERHEAD)
}

impl fmt::Debug for ResponseCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}

/// The capacity for active responses in bytes: about ten thousand responses of Okta's size.
const MAX_ACTIVE: u64 = 16 * 1024 * 1024;
const OVERHEAD: u32 = 1024;
/// The maximum number of entries for tokens that are verified or were active before.
const MAX_TRUSTED: u64 = 8192;
/// The maximum number of entries for unverified tokens.
const MAX_UNVERIFIED: u64 = 1024;
/// How long the back-off of a token is stored. This is longer than any back-off, so that consecutive
/// failures are counted.
const BACK_OFF_TTL: Duration = Duration::from_secs(180);
/// The maximum number of entries in `owners`, each of which takes about 150 bytes.
const MAX_OWNERS: u64 = 20_000;
/// An entry of `owners` is removed after this time. The token then counts as unverified again.
const OWNER_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The minimum time to live, also for a `max_age` of zero: an HTTP request that arrived before the
/// introspection request began may still look up the response.
const MIN_TTL: Duration = Duration::from_secs(1);
