//! When keys are fetched, and for how long trusted: one pure machine.
//!
//! The rules of freshness, of unknown keys and of failures meet in [`Schedule::decide`]. It has no
//! clock and does no I/O; every rule can be tested by telling it the time.

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

/// What a request asks of the keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// The key set holds the `kid`.
    Known,
    /// The key set lacks the token's key. `arrived` is when the request came. `acceptable`: the
    /// token's claims would pass, so its key is worth a fetch.
    Unknown { arrived: Instant, acceptable: bool },
    /// An operator wants keys that were fetched after `since`.
    Refresh { since: Instant },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The keys at hand are trusted.
    Serve,
    /// They are, and a fetch should replace them without anybody waiting.
    ServeAndFetch,
    /// A fetch must begin, and the request waits for it.
    Fetch(Reason),
    /// The request waits for the fetch under way.
    Wait,
    /// The issuer publishes no such key.
    Refuse,
    /// Nothing can be said before this time has passed.
    Unavailable { retry_after: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There are no keys, or they have aged.
    Age,
    /// For a key that the set lacks: draws on the budget.
    UnknownKey,
}

#[derive(Debug)]
pub(crate) struct Schedule {
    trust: Option<Trust>,
    flight: Option<Departure>,
    flights: u64,
    /// When the last fetch began.
    attempted: Option<Instant>,
    /// When the last fetch failed, if none has succeeded since.
    failed_at: Option<Now>,
    /// Its jitter also makes instances that start together drift apart.
    back_off: BackOff,
    budget: TokenBucket,
    stale_if_error: Duration,
}

/// The fetch under way.
#[derive(Clone, Copy, Debug)]
struct Departure {
    id: u64,
    began: Now,
}

impl Schedule {
    /// `jitter` makes instances that start together drift apart.
    pub(crate) fn new(jitter: u64) -> Self {
        Self {
            trust: None,
            flight: None,
            flights: 0,
            attempted: None,
            failed_at: None,
            back_off: BackOff::new(jitter),
            budget: TokenBucket::default(),
            stale_if_error: DEFAULT_STALE_IF_ERROR,
        }
    }

    /// How long past their freshness keys serve while fetches fail: with the freshness it is the
    /// ceiling of trust.
    pub(crate) fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// There are keys that an earlier process fetched. Instances that start with the same ones
    /// refresh them apart.
    pub(crate) fn inherit(&mut self, began: Now, fresh_for: Duration) -> Trust {
        let trust = Trust::new(began, fresh_for, self.back_off.fraction());
        self.trust = Some(trust);
        trust
    }

    /// Changes nothing.
    pub(crate) fn decide(&self, read: Read, now: Now) -> Decision {
        match read {
            Read::Known => self.decide_known(now),
            Read::Unknown {
                arrived,
                acceptable,
            } => self.decide_unknown(arrived, acceptable, now),
            Read::Refresh { since } => self.decide_refresh(since, now),
        }
    }

    fn decide_known(&self, now: Now) -> Decision {
        let Some(trust) = self.trust else {
            return self.fetch_or_wait(now);
        };
        let age = trust.age(now);
        let can_fetch = self.flight.is_none() && self.back_off(now).is_none();
        if age < trust.refresh_after {
            Decision::Serve
        } else if age < trust.fresh_for
            || (age < trust.fresh_for + self.stale_if_error && self.failed_lately(now))
        {
            // Past freshness this is RFC 5861 §4: served stale because the issuer was asked just
            // now and failed, never because nobody asked.
            if can_fetch {
                Decision::ServeAndFetch
            } else {
                Decision::Serve
            }
        } else {
            self.fetch_or_wait(now)
        }
    }

    /// A failure says less the older it is: who comes after a quiet time has the issuer asked
    /// first. Under traffic each failed attempt renews it.
    fn failed_lately(&self, now: Now) -> bool {
        self.failed_at
            .is_some_and(|failed_at| now.since(failed_at) < 2 * MAX_RETRY_AFTER)
    }

    /// The only difference that a token's claims make is whether the token may begin a fetch. Every
    /// other answer is the same for all, so that no unverified claim chooses it.
    fn decide_unknown(&self, arrived: Instant, acceptable: bool, now: Now) -> Decision {
        // The first fetch and one that is due by age are not charged to the token.
        let Some(trust) = self.trust else {
            return self.fetch_or_wait(now);
        };
        if trust.began.instant >= arrived {
            // A fetch that began after the request arrived shows that the key is absent.
            Decision::Refuse
        } else if !trust.is_fresh(now) {
            self.fetch_or_wait(now)
        } else if self.flight.is_some() {
            Decision::Wait
        } else if let Some(back_off) = self.back_off(now) {
            // Both must end before a fetch can begin.
            let retry_after = back_off.max(self.refill(now).unwrap_or_default());
            Decision::Unavailable { retry_after }
        } else {
            let age = now.instant.saturating_duration_since(trust.began.instant);
            match self.refill(now) {
                None if acceptable => Decision::Fetch(Reason::UnknownKey),
                None => Decision::Refuse,
                // The set is seconds old, and issuers publish keys long before they use them.
                Some(_) if age < UNKNOWN_KEYS.interval => Decision::Refuse,
                // The last token of the budget was drawn within the refill interval. Had its fetch
                // succeeded, the set would be as young: so that fetch failed, or its runtime ended.
                // The next one is possible at the refill.
                Some(retry_after) => Decision::Unavailable { retry_after },
            }
        }
    }

    /// An operator's word goes before the back-off, but once: a failure is an answer too.
    fn decide_refresh(&self, since: Instant, now: Now) -> Decision {
        if self.flight.is_some() {
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

    /// What [`decide`](Self::decide) would say to a request with a known key.
    pub(crate) fn outlook(&self, now: Now) -> KeyState {
        if let Some(trust) = self.trust {
            let age = trust.age(now);
            let ceiling = trust.fresh_for + self.stale_if_error;
            if age < trust.fresh_for {
                return match self.flight {
                    Some(_) => KeyState::Refreshing,
                    None => KeyState::Fresh,
                };
            } else if age < ceiling {
                let trusted_for = ceiling - age;
                return KeyState::Stale { trusted_for };
            }
        }
        // What has aged through disuse is fetched again: a service that nobody asked for hours
        // is not out of order.
        match self.fetch_or_wait(now) {
            Decision::Unavailable { retry_after, .. } => KeyState::Unavailable { retry_after },
            _ => KeyState::NotFetched,
        }
    }

    fn fetch_or_wait(&self, now: Now) -> Decision {
        if self.flight.is_some() {
            Decision::Wait
        } else if let Some(retry_after) = self.back_off(now) {
            Decision::Unavailable { retry_after }
        } else {
            Decision::Fetch(Reason::Age)
        }
    }

    /// Until the budget for unknown keys has a fetch; `None`: it has one.
    fn refill(&self, now: Now) -> Option<Duration> {
        self.budget.wait(UNKNOWN_KEYS, 0, now.instant)
    }

    pub(super) fn back_off(&self, now: Now) -> Option<Duration> {
        self.back_off.left(now)
    }

    /// A fetch begins. Its budget is drawn now, so that no caller gets it back by going away.
    pub(crate) fn began(&mut self, reason: Reason, now: Now) -> u64 {
        if reason == Reason::UnknownKey {
            self.budget.take(UNKNOWN_KEYS, now.instant);
        }
        self.flights += 1;
        self.attempted = Some(now.instant);
        self.flight = Some(Departure {
            id: self.flights,
            began: now,
        });
        self.flights
    }

    /// The fetch `id` brought a usable set. `None`: it is not the one under way, and came too
    /// late to count.
    pub(crate) fn fetched(&mut self, id: u64, fresh_for: Duration) -> Option<Trust> {
        let Departure { began, .. } = self.flight.take_if(|flight| flight.id == id)?;
        self.failed_at = None;
        self.back_off.end();
        self.trust = Some(Trust::new(began, fresh_for, self.back_off.fraction()));
        self.trust
    }

    /// The fetch `id` failed. Says whether it is the first failure since the last success;
    /// `None`: it is not the one under way, and came too late to count.
    pub(crate) fn failed(
        &mut self,
        id: u64,
        retry_after: Option<Duration>,
        now: Now,
    ) -> Option<bool> {
        self.flight.take_if(|flight| flight.id == id)?;
        self.back_off.failed(retry_after, now);
        self.failed_at = Some(now);
        Some(self.back_off.failures() == 1)
    }

    /// The fetch `id` ended without a result, because its runtime did.
    pub(crate) fn abandoned(&mut self, id: u64) {
        if self.flight.take_if(|flight| flight.id == id).is_some() {
            // No answer: an operator who waited for one may try again.
            self.attempted = None;
        }
    }
}

/// How many fetches unknown keys may cause.
const UNKNOWN_KEYS: Rate = Rate {
    burst: 3,
    interval: Duration::from_secs(10),
};
pub(crate) const DEFAULT_STALE_IF_ERROR: Duration = Duration::from_secs(60 * 60);

/// The last good fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    /// When it began: the time an answer travels counts as age (RFC 9111 §4.2.3).
    pub(super) began: Now,
    pub(super) fresh_for: Duration,
    pub(super) refresh_after: Duration,
    young_until: End,
}

impl Trust {
    /// `jitter` in 0..1.
    pub(crate) fn new(began: Now, fresh_for: Duration, jitter: f64) -> Self {
        let fresh_for = fresh_for.clamp(MIN_FRESH, MAX_FRESH);
        // 70 to 80 % of it: ahead of the end, and not all instances at once.
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

    /// RFC 9111 §4.2: equality is stale.
    pub(crate) fn is_fresh(&self, now: Now) -> bool {
        self.age(now) < self.fresh_for
    }

    /// Young enough that there is nothing to decide.
    pub(crate) fn is_young(&self, now: Now) -> bool {
        now.is_before(self.young_until)
    }
}

const MIN_FRESH: Duration = Duration::from_secs(5 * 60);
const MAX_FRESH: Duration = Duration::from_secs(60 * 60);
