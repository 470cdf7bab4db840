//! [`IssuerRules`]: the revocation rules of one issuer, shared by everything that checks or changes them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    active_transmitter::ActiveTransmitter,
    epoch::Epoch,
    log::{InDoubt, IssuerRecord, Limit, LogEntry, Record, SharedLog},
    mark::Mark,
    revocations::MAX_LEEWAY,
    rule::Rule,
    rules::{Horizon, Rules},
    settings::{Measure, Settings},
    snapshot::IssuerSnapshot,
    token_marks::{Login, TokenMarks},
};
use crate::{error::RevokedReason, health::RevocationHealth, sync::clock::Now};

/// The rules of one issuer. They exist for as long as the [`Revocations`](super::Revocations), also while the issuer is
/// not configured.
pub(crate) struct IssuerRules {
    /// The values of `iss` that stand for the issuer. The first one is its URL.
    pub(super) names: Box<[Box<str>]>,
    pub(super) settings: Arc<Settings>,
    /// The largest leeway of the entries of this issuer, in seconds.
    leeway: AtomicU64,
    rules: Epoch<Rules>,
    changed: Notify,
    applied: AtomicU64,
}

/// What a change did, before it is logged and its waiters are woken.
#[derive(Clone, Copy)]
#[must_use]
pub(super) struct Change {
    /// The number of rules that reject more tokens than before.
    pub(super) applied: u64,
    /// The number of rules that were replaced by one about all tokens.
    collapsed: u64,
    /// Whether each rule was held already. A rule that others cover may be missing in the shared log.
    pub(super) was_held: bool,
}

impl IssuerRules {
    pub(super) fn new(names: Box<[Box<str>]>, settings: Arc<Settings>) -> Self {
        let mut rules = Rules::new(settings.capacity);
        if let Some(before) = settings.rejected_before {
            rules.reject_before(before);
        }
        Self {
            names,
            settings,
            leeway: AtomicU64::new(0),
            rules: Epoch::new(rules),
            changed: Notify::new(),
            applied: AtomicU64::new(0),
        }
    }

    /// Widens the horizon for an entry with this leeway. Rules that are held already are kept for longer, too.
    pub(super) fn admit_leeway(&self, leeway: u64) {
        self.leeway.fetch_max(leeway, Ordering::Relaxed);
    }

    /// Returns the claim with the ID of the session, if one is configured.
    pub(crate) fn session_claim(&self) -> Option<&str> {
        self.settings.session_claim.as_deref()
    }

    /// Returns the claim with the email address of the user, if one is configured.
    pub(crate) fn email_claim(&self) -> Option<&str> {
        self.settings.email_claim.as_deref()
    }

    /// Returns the login of a user's token with this `auth_time`, as the settings measure it.
    pub(crate) fn login(&self, auth_time: Option<u64>) -> Login {
        match (self.settings.measure, auth_time) {
            (Measure::IssuedAt, _) => Login::NotMeasured,
            (Measure::AuthTime { .. }, Some(time)) => Login::At(time),
            (Measure::AuthTime { .. }, None) => Login::Unknown,
        }
    }

    /// Returns the last second in which a token with these dates is young enough. A rule may be forgotten
    /// afterwards.
    pub(crate) fn last_second(&self, issued_at: u64, login: Login, leeway: u64) -> u64 {
        let end = |start: u64, length: Duration| {
            start
                .saturating_add(length.as_secs())
                .saturating_add(leeway)
        };
        let of_token = end(issued_at, self.settings.longest_token);
        match (self.settings.measure, login) {
            (Measure::AuthTime { longest_login }, Login::At(time)) => {
                of_token.min(end(time, longest_login))
            }
            _ => of_token,
        }
    }

    /// Returns whether the token was checked against the rules as they are now, and is young enough.
    #[inline]
    pub(crate) fn is_seen(&self, token: &TokenMarks, now: u64) -> bool {
        self.rules.is_seen(&token.seen) && now <= token.last_second
    }

    /// Returns why the token is rejected, or `None` if it is not.
    #[cold]
    pub(crate) fn find(&self, token: &TokenMarks, now: u64) -> Option<RevokedReason> {
        if now > token.last_second {
            return Some(self.too_old(token, now));
        }
        let horizon = self.horizon(now);
        let find = |rules: &Rules| rules.find(token, horizon);
        match token.login {
            Login::NotMeasured | Login::At(_) => self.rules.find(&token.seen, find),
            // Such a token is looked up on each request: a rule about all logins that is over for it applies again if the
            // clock is set back.
            Login::Unknown => self.rules.look(find),
        }
    }

    fn too_old(&self, token: &TokenMarks, now: u64) -> RevokedReason {
        match (self.settings.measure, token.login) {
            // A new token of the same login would be as old.
            (Measure::AuthTime { longest_login }, Login::At(time))
                if now.saturating_sub(time) > longest_login.as_secs() =>
            {
                RevokedReason::Login {
                    max_age: longest_login.as_secs(),
                }
            }
            _ => RevokedReason::TooOld,
        }
    }

    /// Applies rules about this issuer. The caller then calls [`complete`](Self::complete).
    pub(super) fn apply<'r>(&self, rules: impl Iterator<Item = &'r Rule>, now: Now) -> Change {
        let horizon = self.horizon(now.unix);
        let leeway = self.leeway.load(Ordering::Relaxed);
        let latest = now.unix.saturating_add(leeway);
        let mut was_held = true;
        let change = self.change(|held| {
            let mut applied = 0;
            for rule in rules {
                // The clock of a sender may be wrong. A time far in the future would reject every later token.
                let before = rule.before.min(latest);
                let is_new = match rule.kind.marks() {
                    None => {
                        was_held = false;
                        held.reject_before(before)
                    }
                    Some(marks) => {
                        let hold = |is_new, mark: Mark| {
                            // The token or the session may be a little younger than the rule by the issuer's clock.
                            let time = match mark.kind().ignores_dates() {
                                true => latest.max(before),
                                false => before,
                            };
                            was_held &= held.holds(mark, time);
                            held.hold(mark, time, horizon) | is_new
                        };
                        marks.into_iter().flatten().fold(false, hold)
                    }
                };
                applied += u64::from(is_new);
            }
            applied
        });
        Change { was_held, ..change }
    }

    /// Applies rules about this issuer that the shared log has. The caller then calls [`complete`](Self::complete).
    pub(super) fn apply_records(&self, records: &[(Limit, u64)], now: Now) -> Change {
        let horizon = self.horizon(now.unix);
        // An issuer that is not configured has no leeway yet.
        let leeway = match self.leeway.load(Ordering::Relaxed) {
            0 => MAX_LEEWAY,
            leeway => leeway,
        };
        // The clock of another instance may be wrong. A time far in the future would reject every later token.
        let latest = now.unix.saturating_add(leeway);
        self.change(|held| {
            let mut applied = 0;
            for (limit, time) in records {
                let time = (*time).min(latest);
                // A rule that can no longer match a token takes no room. An issuer's limits are kept.
                let is_over = horizon.now > time.saturating_add(horizon.kept_for);
                let is_new = match limit {
                    Limit::Mark(_) | Limit::Inactive(_) if is_over => false,
                    Limit::Mark(mark) => held.hold(*mark, time, horizon),
                    Limit::Inactive(mark) => held.hold_if_room(*mark, time, horizon),
                    Limit::Tokens => held.reject_before(time),
                    Limit::Logins if horizon.measures_logins => held.reject_logins_before(time),
                    Limit::Logins => false,
                };
                applied += u64::from(is_new);
            }
            applied
        })
    }

    /// Returns entries for the shared log with everything that is held.
    pub(super) fn entries(&self, share_inactive: bool) -> impl Iterator<Item = LogEntry> + use<> {
        let records = self.rules.look(|held| held.records(share_inactive));
        let names = self.names.clone();
        records.into_iter().flat_map(move |(limit, time)| {
            let entry = |issuer| {
                Record::Rule(IssuerRecord {
                    issuer,
                    limit,
                    time,
                })
                .entry()
            };
            names
                .iter()
                .filter_map(|issuer| entry(issuer))
                .collect::<Vec<_>>()
        })
    }

    /// Returns what applies if rules may be missing, or `None` if none are missing.
    #[inline]
    pub(crate) fn doubt(&self, now: Now) -> Option<InDoubt> {
        let Settings { log, streams, .. } = &*self.settings;
        let is_current = log.as_ref().is_none_or(|log| log.is_current(now));
        match is_current && streams.iter().all(|it| it.stream.is_current(now)) {
            true => None,
            false => self.find_doubt(now),
        }
    }

    /// Returns the doubt for all reasons together.
    #[cold]
    fn find_doubt(&self, now: Now) -> Option<InDoubt> {
        let Settings { log, doubt, .. } = &*self.settings;
        let log = log.as_ref().filter(|log| !log.is_current(now));
        let of_log = log.map(|log| log.doubt(*doubt, now));
        // Each stream is looked at, so that those that do not concern this issuer become current too.
        let of_streams = self.settings.streams.iter();
        let of_streams =
            of_streams.filter_map(|it| it.doubt(now).filter(|_| self.is_concerned_by(it)));
        of_streams.fold(of_log, |found, overdue| {
            Some(match found {
                Some(found) => InDoubt {
                    overdue: found.overdue.and(overdue),
                    ..found
                },
                None => InDoubt {
                    doubt: *doubt,
                    overdue,
                    is_loading: false,
                    is_about_log: false,
                },
            })
        })
    }

    /// Returns whether an introspection response that was requested at `requested` for a request that arrived at
    /// `arrived` is newer than each reason for the doubt.
    pub(crate) fn is_newer(&self, doubt: InDoubt, requested: Now, arrived: Now, now: Now) -> bool {
        let is_later =
            requested.instant >= arrived.instant && !self.doubt_began_after(arrived, now);
        is_later || requested.instant >= doubt.began_before(now)
    }

    /// Returns whether a reason for the doubt began after a request had arrived at `arrived`. The introspection response
    /// that the request waited for may then be too old.
    pub(crate) fn doubt_began_after(&self, arrived: Now, now: Now) -> bool {
        let mut log = self.settings.log.iter();
        let mut streams = self.settings.streams.iter();
        log.any(|it| !it.is_current(now) && it.is_current(arrived))
            || streams.any(|it| {
                self.is_concerned_by(it) && it.is_degraded(now) && !it.is_degraded(arrived)
            })
    }

    /// Returns whether the events of the transmitter concern this issuer.
    fn is_concerned_by(&self, transmitter: &ActiveTransmitter) -> bool {
        self.names.iter().any(|name| transmitter.concerns(name))
    }

    /// Returns the shared log, if there is one.
    pub(crate) fn log(&self) -> Option<&Arc<SharedLog>> {
        self.settings.log.as_ref()
    }

    /// Rejects the token from now on, because its issuer reports that it is not active. A client can revoke any number
    /// of its own tokens and send them, so this never takes the room of other rules.
    pub(crate) fn revoke_inactive(&self, token: Mark, now: Now) {
        let horizon = self.horizon(now.unix);
        let leeway = self.leeway.load(Ordering::Relaxed);
        let time = now.unix.saturating_add(leeway);
        let change = self.change(|held| u64::from(held.hold_if_room(token, time, horizon)));
        self.complete(change);
        if let Some(log) = &self.settings.log
            && log.shares_inactive()
            && change.applied > 0
        {
            for issuer in &self.names {
                let limit = Limit::Inactive(token);
                let record = Record::Rule(IssuerRecord {
                    issuer,
                    limit,
                    time,
                });
                record
                    .entry()
                    .into_iter()
                    .for_each(|entry| log.queue(entry));
            }
        }
    }

    /// Changes the rules. `change` returns how many of its rules reject more tokens than before.
    fn change(&self, change: impl FnOnce(&mut Rules) -> u64) -> Change {
        let (mut applied, mut collapsed) = (0, 0);
        self.rules.change(|held| {
            let before = held.collapsed();
            applied = change(held);
            collapsed = held.collapsed() - before;
            applied > 0
        });
        self.applied.fetch_add(applied, Ordering::Relaxed);
        Change {
            applied,
            collapsed,
            was_held: false,
        }
    }

    /// Wakes everything that waits for a change, and logs a collapse. The caller must not hold a lock, because wakers
    /// and a tracing subscriber are foreign code.
    pub(super) fn complete(&self, change: Change) {
        let Change {
            applied, collapsed, ..
        } = change;
        if applied > 0 {
            self.changed.notify_waiters();
        }
        if collapsed > 0 {
            tracing::error!(
                issuer = self.url(),
                rules = collapsed,
                "too many revocation rules; the oldest were replaced by one rule about all tokens of the issuer"
            );
        }
    }

    /// Returns the number of changes so far, to wait for the next one.
    pub(crate) fn changes(&self) -> u64 {
        self.rules.changes()
    }

    /// Waits until there were more changes than these.
    pub(crate) async fn changed_after(&self, changes: u64) {
        loop {
            // This future receives each notification from its creation on, so none is missed after the check.
            let woken = self.changed.notified();
            if self.changes() != changes {
                return;
            }
            woken.await;
        }
    }

    /// Adds the rules of a snapshot. The caller then calls [`complete`](Self::complete).
    pub(super) fn restore(&self, snapshot: &IssuerSnapshot, now: Now) -> Change {
        let horizon = self.horizon(now.unix);
        // The clock of the process that saved them may have been wrong.
        let latest = now.unix.saturating_add(MAX_LEEWAY);
        self.change(|held| {
            let mut new = 0;
            if let Some(before) = snapshot.before {
                new += u64::from(held.reject_before(before.min(latest)));
            }
            if let Some(before) = snapshot.login_before {
                new += u64::from(held.reject_logins_before(before.min(latest)));
            }
            for (mark, time) in snapshot.marks() {
                new += u64::from(held.hold(mark, time.min(latest), horizon));
            }
            new
        })
    }

    /// Returns what a later process needs to reject the same tokens.
    pub(super) fn snapshot(&self) -> IssuerSnapshot {
        self.rules
            .look(|held| IssuerSnapshot::new(&self.names, held))
    }

    /// Returns whether no rule is held that can still match a token.
    pub(super) fn is_empty(&self, now: Now) -> bool {
        let horizon = self.horizon(now.unix);
        let is_over = |before: u64| horizon.now > before.saturating_add(horizon.kept_for);
        self.rules.look(|held| {
            held.live(horizon) == 0
                && held.before().is_none_or(is_over)
                && held.login_before().is_none_or(is_over)
        })
    }

    /// Returns the state of the rules. Performs no I/O.
    pub(crate) fn health(&self, now: Now) -> RevocationHealth {
        let horizon = self.horizon(now.unix);
        self.rules.look(|held| RevocationHealth {
            rules: held.live(horizon),
            applied: self.applied.load(Ordering::Relaxed),
            collapsed: held.collapsed(),
            log: self.settings.log.as_ref().map(|log| log.health(now)),
            rejected_before: held.before().map(|unix| Now { unix, ..now }.wall()),
            // The verifier knows the transmitters.
            degraded_streams: Vec::new(),
        })
    }

    pub(super) fn url(&self) -> &str {
        self.names.first().map_or("", |name| name)
    }

    fn horizon(&self, now: u64) -> Horizon {
        let leeway = self.leeway.load(Ordering::Relaxed);
        let longest = self.settings.longest();
        Horizon {
            now,
            kept_for: longest.as_secs().saturating_add(leeway),
            measures_logins: matches!(self.settings.measure, Measure::AuthTime { .. }),
        }
    }
}

/// Shows the issuer only.
impl fmt::Debug for IssuerRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IssuerRules").field(&self.url()).finish()
    }
}
