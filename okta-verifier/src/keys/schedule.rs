//! A pure state machine that decides when keys are fetched and how long they are trusted.
//!
//! [`Schedule::decide`] applies the rules for fresh keys, unknown keys, refreshes and failures. The schedule
//! performs no I/O. It takes the current time as an argument, so tests can choose the time.

use crate::{
    health::KeyState,
    sync::{
        backoff::{BackOff, MAX_RETRY_AFTER},
        clock::{End, Now},
        token_bucket::{Rate, TokenBucket},
    },
};
use std::time::Duration;
use tokio::time::Instant;

/// What a request, or an operator, needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// Trusted keys. The key set contains the token's key, or no particular key is needed.
    Keys,
    /// The key set lacks the token's key. `arrived` is when the request arrived. `acceptable` is whether
    /// the token's claims would be accepted; only then may its key cause a fetch.
    UnknownKey { arrived: Instant, acceptable: bool },
    /// An operator requests keys that were fetched after `since`.
    Refresh { since: Instant },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The current keys are trusted.
    Serve,
    /// The current keys are trusted, and a fetch in the background should replace them.
    ServeAndFetch,
    /// A fetch must begin, and the request waits for it.
    Fetch(Reason),
    /// The request waits for the fetch in flight.
    Wait,
    /// The key is unknown and no fetch may begin, so the token is rejected.
    Reject,
    /// The required keys are unavailable for at least this long.
    Unavailable { retry_after: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There are no keys, the keys have aged, or an operator requests a refresh.
    Age,
    /// The set lacks the token's key. The fetch is charged to the budget for unknown keys.
    UnknownKey,
}

#[derive(Debug)]
pub(crate) struct Schedule {
    trust: Option<Trust>,
    in_flight: Option<FetchInFlight>,
    last_id: u64,
    /// When the last fetch began, or `None` if it was abandoned.
    attempted: Option<Instant>,
    /// When the last fetch failed, or `None` if a fetch has succeeded since or none has failed.
    failed_at: Option<Now>,
    /// The back-off after failed fetches. Its jitter also spreads the fetches of instances that start
    /// together.
    back_off: BackOff,
    budget: TokenBucket,
    stale_if_error: Duration,
}

/// The fetch in flight.
#[derive(Clone, Copy, Debug)]
struct FetchInFlight {
    id: u64,
    began: Now,
}

impl Schedule {
    /// Returns a schedule without keys. `jitter` spreads the fetches of instances that start together.
    pub(crate) fn new(jitter: u64) -> Self {
        Self {
            trust: None,
            in_flight: None,
            last_id: 0,
            attempted: None,
            failed_at: None,
            back_off: BackOff::new(jitter),
            budget: TokenBucket::default(),
            stale_if_error: DEFAULT_STALE_IF_ERROR,
        }
    }

    /// Sets how long keys are used beyond their freshness while fetches fail. Keys are trusted for their
    /// freshness lifetime plus this time.
    pub(crate) fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Uses keys that an earlier process fetched. Instances that start with the same keys refresh them at
    /// different times.
    pub(crate) fn inherit(&mut self, began: Now, fresh_for: Duration) -> Trust {
        let trust = Trust::new(began, fresh_for, self.back_off.fraction());
        self.trust = Some(trust);
        trust
    }

    /// Returns the decision and changes nothing.
    pub(crate) fn decide(&self, need: Need, now: Now) -> Decision {
        match need {
            Need::Keys => self.decide_known(now),
            Need::UnknownKey {
                arrived,
                acceptable,
            } => self.decide_unknown(arrived, acceptable, now),
            Need::Refresh { since } => self.decide_refresh(since, now),
        }
    }

    fn decide_known(&self, now: Now) -> Decision {
        let Some(trust) = self.trust else {
            return self.fetch_or_wait(now);
        };
        let age = trust.age(now);
        let can_fetch = self.in_flight.is_none() && self.back_off(now).is_none();
        if age < trust.refresh_after {
            Decision::Serve
        } else if age < trust.fresh_for
            || (age < trust.fresh_for + self.stale_if_error && self.failed_lately(now))
        {
            // Keys past their freshness are served only after a recent failed attempt (RFC 5861 §4).
            // Without this condition, a withdrawn key could stay trusted in a service without traffic.
            if can_fetch {
                Decision::ServeAndFetch
            } else {
                Decision::Serve
            }
        } else {
            self.fetch_or_wait(now)
        }
    }

    /// Returns whether the last failure is recent. An old failure says little, so the first request after a
    /// quiet time waits for a new attempt. Under traffic each failed attempt renews the time of the
    /// failure.
    fn failed_lately(&self, now: Now) -> bool {
        self.failed_at
            .is_some_and(|failed_at| now.since(failed_at) < 2 * MAX_RETRY_AFTER)
    }

    /// The claims of a token are not verified yet, so they only decide whether the token may begin a fetch.
    /// They influence no other result.
    fn decide_unknown(&self, arrived: Instant, acceptable: bool, now: Now) -> Decision {
        // The first fetch and fetches that are due by age are not charged to the budget for unknown keys.
        let Some(trust) = self.trust else {
            return self.fetch_or_wait(now);
        };
        if trust.began.instant >= arrived {
            // The fetch began after the request arrived and did not return the key, so the issuer does not
            // publish it.
            Decision::Reject
        } else if !trust.is_fresh(now) {
            self.fetch_or_wait(now)
        } else if self.in_flight.is_some() {
            Decision::Wait
        } else if let Some(back_off) = self.back_off(now) {
            // A fetch can begin only when the back-off has ended and the budget is refilled.
            let retry_after = back_off.max(self.refill(now).unwrap_or_default());
            Decision::Unavailable { retry_after }
        } else {
            let age = now.instant.saturating_duration_since(trust.began.instant);
            match self.refill(now) {
                None if acceptable => Decision::Fetch(Reason::UnknownKey),
                None => Decision::Reject,
                // The set is only seconds old, and issuers publish a key long before they use it. A flood of
                // invented key IDs must not cause 5xx, because load balancers treat 5xx as the sign of a
                // broken instance.
                Some(_) if age < UNKNOWN_KEYS.interval => Decision::Reject,
                // The budget was last charged within the refill interval. If that fetch had succeeded, the
                // set would be younger than the interval, so the fetch failed or was abandoned. The next
                // fetch is possible after the refill.
                Some(retry_after) => Decision::Unavailable { retry_after },
            }
        }
    }

    /// Returns whether the budget for unknown keys is the reason why this need causes no fetch. The result does not
    /// depend on whether the token's claims would be accepted, because they are not verified yet.
    pub(crate) fn lacks_budget(&self, need: Need, now: Now) -> bool {
        let Need::UnknownKey { arrived, .. } = need else {
            return false;
        };
        let trust = self.trust;
        trust.is_some_and(|trust| trust.began.instant < arrived && trust.is_fresh(now))
            && self.in_flight.is_none()
            && self.back_off(now).is_none()
            && self.refill(now).is_some()
    }

    /// A refresh by an operator ignores the back-off for one attempt. If a fetch has begun since the
    /// operator's request and failed, it was that attempt.
    fn decide_refresh(&self, since: Instant, now: Now) -> Decision {
        if self.in_flight.is_some() {
            Decision::Wait
        } else if self.trust.is_some_and(|trust| trust.began.instant >= since) {
            Decision::Serve
        } else if self.attempted.is_some_and(|attempted| attempted >= since) {
            Decision::Unavailable {
                retry_after: self.back_off(now).unwrap_or_default(),
            }
        } else {
            Decision::Fetch(Reason::Age)
        }
    }

    /// Returns the state of the keys for a health report.
    pub(crate) fn outlook(&self, now: Now) -> KeyState {
        if let Some(trust) = self.trust {
            let age = trust.age(now);
            let ceiling = trust.fresh_for + self.stale_if_error;
            if age < trust.fresh_for {
                return match self.in_flight {
                    Some(_) => KeyState::Refreshing,
                    None => KeyState::Fresh,
                };
            } else if age < ceiling {
                let trusted_for = ceiling - age;
                return KeyState::Stale { trusted_for };
            }
        }
        // If the keys have aged without traffic, the next request fetches them. Such a service is reported
        // as `NotFetched` and not as unavailable.
        match self.fetch_or_wait(now) {
            Decision::Unavailable { retry_after, .. } => KeyState::Unavailable { retry_after },
            _ => KeyState::NotFetched,
        }
    }

    fn fetch_or_wait(&self, now: Now) -> Decision {
        if self.in_flight.is_some() {
            Decision::Wait
        } else if let Some(retry_after) = self.back_off(now) {
            Decision::Unavailable { retry_after }
        } else {
            Decision::Fetch(Reason::Age)
        }
    }

    /// Returns the time until the budget for unknown keys allows a fetch, or `None` if it allows a fetch
    /// now.
    fn refill(&self, now: Now) -> Option<Duration> {
        self.budget.wait(UNKNOWN_KEYS, 0, now.instant)
    }

    pub(super) fn back_off(&self, now: Now) -> Option<Duration> {
        self.back_off.left(now)
    }

    /// Records that a fetch begins, and returns its ID. The budget is charged now, so that a dropped
    /// request does not refund it.
    pub(crate) fn began(&mut self, reason: Reason, now: Now) -> u64 {
        if reason == Reason::UnknownKey {
            self.budget.take(UNKNOWN_KEYS, now.instant);
        }
        self.last_id += 1;
        self.attempted = Some(now.instant);
        self.in_flight = Some(FetchInFlight {
            id: self.last_id,
            began: now,
        });
        self.last_id
    }

    /// Records that the fetch `id` returned a usable set. Returns `None` if this fetch is not the one in
    /// flight, because then its result comes too late.
    pub(crate) fn fetched(&mut self, id: u64, fresh_for: Duration) -> Option<Trust> {
        let FetchInFlight { began, .. } = self.in_flight.take_if(|fetch| fetch.id == id)?;
        self.failed_at = None;
        self.back_off.end();
        self.trust = Some(Trust::new(began, fresh_for, self.back_off.fraction()));
        self.trust
    }

    /// Records that the fetch `id` failed. Returns whether this is the first failure since the last
    /// success, or `None` if this fetch is not the one in flight, because then its result comes too late.
    pub(crate) fn failed(
        &mut self,
        id: u64,
        retry_after: Option<Duration>,
        now: Now,
    ) -> Option<bool> {
        self.in_flight.take_if(|fetch| fetch.id == id)?;
        self.back_off.failed(retry_after, now);
        self.failed_at = Some(now);
        Some(self.back_off.failures() == 1)
    }

    /// Records that the fetch `id` ended without a result, because its runtime ended or was blocked, or the
    /// process was suspended.
    pub(crate) fn abandoned(&mut self, id: u64) {
        if self.in_flight.take_if(|fetch| fetch.id == id).is_some() {
            // Without a result, the fetch does not count as the one attempt of a refresh.
            self.attempted = None;
        }
    }
}

/// The budget of fetches that unknown keys may cause.
const UNKNOWN_KEYS: Rate = Rate {
    burst: 3,
    interval: Duration::from_secs(10),
};
pub(crate) const DEFAULT_STALE_IF_ERROR: Duration = Duration::from_secs(60 * 60);

/// How long the keys of the last successful fetch are trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    /// When the fetch began: the transit time counts as age (RFC 9111 §4.2.3).
    pub(super) began: Now,
    pub(super) fresh_for: Duration,
    pub(super) refresh_after: Duration,
    young_until: End,
}

impl Trust {
    /// Returns the trust in keys whose fetch began at `began`. `jitter` is in 0..1.
    pub(crate) fn new(began: Now, fresh_for: Duration, jitter: f64) -> Self {
        let fresh_for = fresh_for.clamp(MIN_FRESH, MAX_FRESH);
        // A refresh is due after 70 to 80 % of the lifetime: before its end, and at a different time in
        // each instance.
        let refresh_after = fresh_for * 7 / 10 + fresh_for.mul_f64(jitter / 10.0);
        Self {
            began,
            fresh_for,
            refresh_after,
            young_until: began.plus(refresh_after),
        }
    }

    pub(crate) fn age(&self, now: Now) -> Duration {
        now.since(self.began)
    }

    pub(crate) fn began(&self) -> Now {
        self.began
    }

    pub(crate) fn fresh_for(&self) -> Duration {
        self.fresh_for
    }

    /// Returns whether the keys are fresh. At the exact end of their lifetime they are stale
    /// (RFC 9111 §4.2).
    pub(crate) fn is_fresh(&self, now: Now) -> bool {
        self.age(now) < self.fresh_for
    }

    /// Returns whether the keys are so young that no fetch can be due.
    pub(crate) fn is_young(&self, now: Now) -> bool {
        now.is_before(self.young_until)
    }
}

const MIN_FRESH: Duration = Duration::from_secs(5 * 60);
const MAX_FRESH: Duration = Duration::from_secs(60 * 60);
