//! The model: what fails when, and which responses the documents allow meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::instance::MAX_LAG;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// The server with the log of revocations and the used proofs.
    Redis,
    /// The network between the server and the instance [`CUT_OFF`], while the other instance can still use the server.
    Network,
    /// The metadata and the keys of the customers' issuer, those of its events included.
    Keys,
    /// The introspection endpoint of the partner.
    Introspection,
    /// Strangers send more invented opaque tokens than the limit of introspection requests.
    OpaqueFlood,
}

#[derive(Clone, Copy)]
struct Outage {
    what: What,
    begun: Instant,
    ended: Option<Instant>,
}

impl What {
    /// Returns whether both have the same effect on requests.
    fn is_like(self, other: Self) -> bool {
        let concerns_redis = |what| matches!(what, Self::Redis | Self::Network);
        self == other || concerns_redis(self) && concerns_redis(other)
    }
}

/// The instance that the network can separate from Redis.
pub(crate) const CUT_OFF: usize = 1;

/// When a request was sent to an instance and answered.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) instance: usize,
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// A machine that builds something else at the same time may be slow.
const SLACK: Duration = Duration::from_secs(3);
/// The last read of the log before Redis was killed may have begun this long before.
const LAST_READ: Duration = Duration::from_secs(1);
/// okta-verifier/docs/outage.md, "The shared log is down".
const LOG_RECOVERY: Duration = Duration::from_secs(3);
/// okta-verifier/docs/outage.md, "Redis is down".
const REPLAY_RECOVERY: Duration = Duration::from_secs(2);
/// The longest back-off (okta-verifier/docs/outage.md, and introspection.md, "Failures"). Requests that began during the
/// outage add the timeout of a fetch.
const MAX_BACK_OFF: Duration = Duration::from_secs(30);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// One fetch for unknown keys in this time, if invented key IDs have spent the budget (docs/key-rotation.md).
const UNKNOWN_KEYS: Duration = Duration::from_secs(10);
/// The limit of introspection requests for tokens that may be invented fills up in 2 s (docs/introspection.md).
const INTROSPECTION_LIMIT: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Outages {
    all: Mutex<Vec<Outage>>,
    /// How long after the end of an outage the last request that got 503 was sent.
    recovery: Mutex<BTreeMap<What, Duration>>,
}

impl Outage {
    /// The delay of a back-off doubles, so it is not longer than twice the time since the first failure, and one step.
    fn back_off(&self) -> Duration {
        let length = self.ended.map_or(MAX_BACK_OFF, |ended| ended - self.begun);
        (2 * length + Duration::from_secs(1)).min(MAX_BACK_OFF) + FETCH_TIMEOUT
    }

    /// Returns whether a response between `delay` after the beginning and `recovery` after the end may be a failure.
    fn covers(&self, times: Times, delay: Duration, recovery: Duration) -> bool {
        times.answered >= self.begun + delay
            && self
                .ended
                .is_none_or(|ended| times.sent < ended + recovery + SLACK)
    }
}

impl Outages {
    pub(crate) fn begin(&self, what: What) {
        let begun = Instant::now();
        lock(&self.all).push(Outage {
            what,
            begun,
            ended: None,
        });
    }

    pub(crate) fn end(&self, what: What) {
        let mut all = lock(&self.all);
        if let Some(outage) = all.iter_mut().rfind(|it| it.what == what) {
            outage.ended = Some(Instant::now());
        }
    }

    /// Returns how many outages there were.
    pub(crate) fn count(&self, what: What) -> usize {
        lock(&self.all).iter().filter(|it| it.what == what).count()
    }

    /// Returns how long after the end of an outage the last request that got 503 was sent.
    pub(crate) fn recovery(&self, what: What) -> Duration {
        lock(&self.recovery).get(&what).copied().unwrap_or_default()
    }

    /// Returns whether an instance may be in doubt about the rules, so that tokens without introspection get 503.
    pub(crate) fn in_doubt(&self, times: Times) -> bool {
        self.explains_redis(times, |outage| {
            outage.covers(times, MAX_LAG - LAST_READ, LOG_RECOVERY)
        })
    }

    /// Returns whether used proofs may be impossible to record.
    pub(crate) fn no_replay_store(&self, times: Times) -> bool {
        self.explains_redis(times, |outage| {
            outage.covers(times, Duration::ZERO, REPLAY_RECOVERY)
        })
    }

    /// Returns whether a rule may be impossible to store.
    pub(crate) fn no_log(&self, times: Times) -> bool {
        self.explains_redis(times, |outage| {
            outage.covers(times, Duration::ZERO, LOG_RECOVERY)
        })
    }

    /// Returns whether introspection may fail.
    pub(crate) fn no_introspection(&self, times: Times) -> bool {
        self.explains(What::Introspection, times, |outage| {
            outage.covers(times, Duration::ZERO, outage.back_off())
        })
    }

    /// Returns whether the first introspection of an opaque token may exceed the limit.
    pub(crate) fn opaque_flood(&self, times: Times) -> bool {
        self.explains(What::OpaqueFlood, times, |outage| {
            outage.covers(times, Duration::ZERO, INTROSPECTION_LIMIT)
        })
    }

    /// Returns whether keys that an instance does not have may be impossible to fetch.
    pub(crate) fn no_keys(&self, times: Times) -> bool {
        self.explains(What::Keys, times, |outage| {
            outage.covers(times, Duration::ZERO, outage.back_off())
        })
    }

    /// Returns whether an instance may not have a key that was published at `published`: while strangers send invented key
    /// IDs, one fetch in ten seconds looks for unknown keys, and an outage delays it.
    pub(crate) fn key_is_new(&self, published: Instant, times: Times) -> bool {
        let mut known_by = published + UNKNOWN_KEYS;
        for outage in lock(&self.all).iter().filter(|it| it.what == What::Keys) {
            let ended = outage.ended.unwrap_or_else(Instant::now);
            if outage.begun < known_by + SLACK && published < ended + outage.back_off() {
                known_by = known_by.max(ended + outage.back_off() + UNKNOWN_KEYS);
            }
        }
        times.sent < known_by + SLACK
    }

    /// The same for Redis and the network before it.
    fn explains_redis(&self, times: Times, does: impl Fn(&Outage) -> bool) -> bool {
        let is_cut_off = times.instance == CUT_OFF && self.explains(What::Network, times, &does);
        is_cut_off || self.explains(What::Redis, times, does)
    }

    /// Returns whether one of the outages explains a failure, and keeps how long after its end that was.
    fn explains(&self, what: What, times: Times, does: impl Fn(&Outage) -> bool) -> bool {
        let all = lock(&self.all);
        let Some(outage) = all.iter().rfind(|it| it.what == what && does(it)) else {
            return false;
        };
        // If another outage that would have the same effect began meanwhile, the time says nothing.
        let is_last = all.iter().all(|it| {
            it.begun <= outage.begun || it.begun > times.answered || !it.what.is_like(what)
        });
        if let Some(ended) = outage.ended.filter(|_| is_last) {
            let since = times.sent.saturating_duration_since(ended);
            let mut recovery = lock(&self.recovery);
            let longest = recovery.entry(what).or_default();
            *longest = since.max(*longest);
        }
        true
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Outages that began at `begun` and lasted for `length`.
    fn outages(what: What, begun: Instant, length: Duration) -> Outages {
        let outages = Outages::default();
        let ended = Some(begun + length);
        lock(&outages.all).push(Outage { what, begun, ended });
        outages
    }

    fn at(time: Instant) -> Times {
        Times {
            instance: 0,
            sent: time,
            answered: time,
        }
    }

    #[test]
    fn outage_explains_nothing_before_it_begins_and_after_the_recovery() {
        let begun = Instant::now();
        let none = Outages::default();
        assert!(!none.in_doubt(at(begun)) && !none.no_keys(at(begun)));
        let redis = outages(What::Redis, begun, 7 * SECOND);
        let in_doubt = |seconds| redis.in_doubt(at(begun + seconds * SECOND));
        assert_eq!([3, 4, 12, 13].map(in_doubt), [false, true, true, false]);
        let no_store = |seconds| redis.no_replay_store(at(begun + seconds * SECOND));
        assert_eq!([0, 11, 12].map(no_store), [true, true, false]);
        assert!(!redis.no_introspection(at(begun + SECOND)));
        assert_eq!(redis.recovery(What::Redis), 5 * SECOND);
    }

    #[test]
    fn network_concerns_one_instance() {
        let begun = Instant::now();
        let network = outages(What::Network, begun, 7 * SECOND);
        let times = at(begun + 5 * SECOND);
        assert!(!network.in_doubt(times));
        let instance = CUT_OFF;
        assert!(network.in_doubt(Times { instance, ..times }));
    }

    #[test]
    fn restart_explains_a_failed_append_and_no_doubt_afterwards() {
        let begun = Instant::now();
        let redis = outages(What::Redis, begun, Duration::ZERO);
        assert!(redis.no_log(at(begun + SECOND)));
        assert!(!redis.in_doubt(at(begun + 3 * SECOND)));
        assert!(!redis.in_doubt(at(begun + 6 * SECOND)));
    }

    #[test]
    fn new_key_may_be_unknown_for_longer_if_an_outage_follows() {
        let published = Instant::now();
        let quiet = Outages::default();
        let is_new = |outages: &Outages, seconds| {
            outages.key_is_new(published, at(published + seconds * SECOND))
        };
        assert!(is_new(&quiet, 12) && !is_new(&quiet, 13));
        // The back-off after an outage of 2 s is at most 5 s, and a fetch takes at most 3 s.
        let soon = outages(What::Keys, published + 5 * SECOND, 2 * SECOND);
        assert!(is_new(&soon, 27) && !is_new(&soon, 28));
        let later = outages(What::Keys, published + 30 * SECOND, 2 * SECOND);
        assert!(!is_new(&later, 31));
    }
}
