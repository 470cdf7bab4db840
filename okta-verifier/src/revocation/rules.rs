//! [`Rules`]: the revocation rules of one issuer, and which tokens they reject. Pure functions of their input and the
//! time.

use std::collections::{HashMap, HashSet};

use super::{
    log::Limit,
    mark::{MARK_KINDS, Mark, MarkKind},
    token_marks::{Login, TokenMarks},
};
use crate::error::RevokedReason;

/// The rules of one issuer. They form a lattice: a change only ever rejects more tokens, so the order of the rules and
/// repeated rules do not matter.
///
/// The number of marks is limited. What no longer fits becomes a rule about all tokens of the issuer.
pub(crate) struct Rules {
    /// The time of each mark, in seconds since 1970: tokens that were issued at this time or before are rejected, or
    /// all of them if the kind of the mark ignores dates.
    held: HashMap<Mark, u64>,
    /// Those marks of tokens which are held only because the issuer reported the token as inactive.
    inactive: HashSet<Mark>,
    /// The number of marks of each kind, so that a token is not compared with a kind that no rule has.
    counts: [usize; MARK_KINDS.len()],
    /// Every token that was issued at this time or before is rejected.
    before: Option<u64>,
    /// Every user's token whose login was at this time or before is rejected. It has a value only if logins are
    /// measured.
    login_before: Option<u64>,
    capacity: usize,
    /// The number of marks at which expired ones are removed next.
    purge_at: usize,
    /// The number of marks that were replaced by a rule about all tokens, because there was no room.
    collapsed: u64,
}

/// The times that the rules are compared with, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Horizon {
    pub(crate) now: u64,
    /// How long a mark is kept: the longest life of a token or of a login, and the leeway.
    pub(crate) kept_for: u64,
    pub(crate) measures_logins: bool,
}

impl Rules {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            held: HashMap::new(),
            inactive: HashSet::new(),
            counts: [0; MARK_KINDS.len()],
            before: None,
            login_before: None,
            capacity,
            purge_at: MIN_PURGE,
            collapsed: 0,
        }
    }

    /// Adds a rule. Returns whether it rejects more tokens than before.
    pub(crate) fn hold(&mut self, mark: Mark, time: u64, horizon: Horizon) -> bool {
        if !self.inactive.is_empty() {
            self.inactive.remove(&mark);
        }
        if let Some(held) = self.held.get_mut(&mark) {
            let is_later = time > *held;
            *held = time.max(*held);
            return is_later && !mark.kind().ignores_dates();
        }
        if self.covers(mark.kind(), time, horizon) {
            return false;
        }
        let is_full = self.held.len() >= self.capacity;
        if is_full || self.held.len() >= self.purge_at {
            self.purge(horizon);
        }
        // Some room is made even if the purge has removed a few marks, so that not every rule searches all marks.
        if is_full && self.held.len() > self.capacity - self.capacity / 8 {
            self.collapse(horizon);
        }
        self.held.insert(mark, time);
        self.counts[place(mark.kind())] += 1;
        true
    }

    /// Returns whether the rules about all tokens and logins reject everything that this rule would. A rule that was
    /// replaced by them takes no room again if its event is repeated.
    fn covers(&self, kind: MarkKind, time: u64, horizon: Horizon) -> bool {
        let is_login = horizon.measures_logins && kind.is_about_user();
        !kind.ignores_dates()
            && Some(time) <= self.before
            && (!is_login || Some(time) <= self.login_before)
    }

    /// Adds a rule about one token if at least half of the room is left, so that it never causes a collapse. Returns
    /// whether it rejects more tokens than before.
    pub(crate) fn hold_if_room(&mut self, token: Mark, time: u64, horizon: Horizon) -> bool {
        let is_scarce = |rules: &Self| rules.held.len() >= rules.capacity / 2;
        if is_scarce(self) && self.held.len() >= self.purge_at {
            self.purge(horizon);
        }
        if is_scarce(self) || self.held.contains_key(&token) {
            return false;
        }
        let is_new = self.hold(token, time, horizon);
        self.inactive.insert(token);
        is_new
    }

    /// Returns whether the rule itself is held, and not only one that covers it.
    pub(crate) fn holds(&self, mark: Mark, time: u64) -> bool {
        let is_as_strict = |held: u64| mark.kind().ignores_dates() || time <= held;
        self.time(mark).is_some_and(is_as_strict) && !self.inactive.contains(&mark)
    }

    /// Rejects every token that was issued at this time or before. Returns whether these are more than before.
    pub(crate) fn reject_before(&mut self, time: u64) -> bool {
        raise(&mut self.before, time)
    }

    /// Rejects every user's token whose login was at this time or before. Returns whether these are more than before.
    pub(crate) fn reject_logins_before(&mut self, time: u64) -> bool {
        raise(&mut self.login_before, time)
    }

    /// Returns why the token is rejected, or `None` if no rule matches it.
    pub(crate) fn find(&self, token: &TokenMarks, horizon: Horizon) -> Option<RevokedReason> {
        let is_held = |mark: Option<Mark>| mark.is_some_and(|mark| self.time(mark).is_some());
        if is_held(token.token) || is_held(token.session) {
            return Some(RevokedReason::Rule);
        }
        // Of all rules that match, the latest decides: a rule about one client must not hide a later one about all
        // clients.
        let of_all = self.before.max(token.client.and_then(|it| self.time(it)));
        let of_user = self.latest_about_user(token);
        let issued_before = match token.login {
            Login::NotMeasured => of_all.max(of_user),
            Login::At(_) | Login::Unknown => of_all,
        };
        if issued_before.is_some_and(|before| token.issued_at <= before) {
            return Some(RevokedReason::Rule);
        }
        let login_before = match token.login {
            Login::NotMeasured => None,
            Login::At(time) => of_user.max(self.login_before).filter(|it| time <= *it),
            Login::Unknown => {
                // A rule that was replaced by one about all logins has its own end, because otherwise tokens without
                // `auth_time` would be rejected for ever.
                let replaced = self
                    .login_before
                    .filter(|it| horizon.now <= it.saturating_add(horizon.kept_for));
                of_user.max(replaced)
            }
        };
        login_before.map(|before| RevokedReason::Login {
            max_age: horizon.now.saturating_sub(before),
        })
    }

    fn latest_about_user(&self, token: &TokenMarks) -> Option<u64> {
        let subjects = || token.subjects.iter().flatten();
        let mut latest = subjects().filter_map(|it| self.time(*it)).max();
        if self.has(MarkKind::SubjectAtClient)
            && let Some(client) = token.client
        {
            let marks = subjects().map(|it| it.at_client(client));
            latest = latest.max(marks.filter_map(|it| self.time(it)).max());
        }
        if self.has(MarkKind::WithoutSession) && token.session.is_none() {
            let marks = subjects().map(|it| it.without_session());
            latest = latest.max(marks.filter_map(|it| self.time(it)).max());
        }
        latest
    }

    fn time(&self, mark: Mark) -> Option<u64> {
        self.held.get(&mark).copied()
    }

    fn has(&self, kind: MarkKind) -> bool {
        self.counts[place(kind)] > 0
    }

    /// Removes old marks that are no longer needed, because every token that they match is rejected for its age.
    fn purge(&mut self, horizon: Horizon) {
        if let Some(end) = horizon.now.checked_sub(horizon.kept_for + 1) {
            self.remove_until(end, horizon);
        }
        self.purge_at = (2 * self.held.len()).max(MIN_PURGE);
    }

    /// Replaces the oldest marks by one rule about all tokens. At least an eighth of the marks goes at once, so that
    /// the cost per rule stays constant. There must be a mark.
    fn collapse(&mut self, horizon: Horizon) {
        let mut times: Vec<u64> = self.held.values().copied().collect();
        let last = (self.capacity / 8).min(times.len() - 1);
        let (_, &mut end, _) = times.select_nth_unstable(last);
        self.collapsed += self.remove_until(end, horizon);
    }

    /// Removes the marks with this time or an earlier one, and returns their number. What they reject stays rejected:
    /// if the clock was wrong when they were removed, their tokens are not accepted again.
    fn remove_until(&mut self, end: u64, horizon: Horizon) -> u64 {
        let mut removed = 0;
        let (mut latest, mut latest_login) = (None, None);
        let (counts, inactive) = (&mut self.counts, &mut self.inactive);
        self.held.retain(|mark, time| {
            if *time > end {
                return true;
            }
            removed += 1;
            counts[place(mark.kind())] -= 1;
            inactive.remove(mark);
            latest = latest.max(Some(*time));
            if horizon.measures_logins && mark.kind().is_about_user() {
                latest_login = latest_login.max(Some(*time));
            }
            false
        });
        self.before = self.before.max(latest);
        self.login_before = self.login_before.max(latest_login);
        removed
    }

    /// Returns the marks and their times, for a snapshot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Mark, u64)> {
        self.held.iter().map(|(mark, time)| (*mark, *time))
    }

    /// Returns what other instances need to reject the same tokens. Tokens that their issuer reported as inactive are
    /// left out unless `share_inactive`.
    pub(crate) fn records(&self, share_inactive: bool) -> Vec<(Limit, u64)> {
        let limits = [
            (Limit::Tokens, self.before),
            (Limit::Logins, self.login_before),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(limit, time)| Some((limit, time?)));
        let marks = self.iter().filter_map(|(mark, time)| {
            let limit = match self.inactive.contains(&mark) {
                true if share_inactive => Limit::Inactive(mark),
                true => return None,
                false => Limit::Mark(mark),
            };
            Some((limit, time))
        });
        limits.chain(marks).collect()
    }

    /// Returns the number of marks that are not older than the horizon.
    pub(crate) fn live(&self, horizon: Horizon) -> usize {
        let is_live = |time: &&u64| horizon.now <= time.saturating_add(horizon.kept_for);
        self.held.values().filter(is_live).count()
    }

    pub(crate) fn before(&self) -> Option<u64> {
        self.before
    }

    pub(crate) fn login_before(&self) -> Option<u64> {
        self.login_before
    }

    pub(crate) fn collapsed(&self) -> u64 {
        self.collapsed
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

fn raise(limit: &mut Option<u64>, time: u64) -> bool {
    let is_later = Some(time) > *limit;
    *limit = Some(time).max(*limit);
    is_later
}

/// The position of a kind in the counts.
const fn place(kind: MarkKind) -> usize {
    kind as usize - 1
}

/// With fewer marks, expired ones are not worth a search.
const MIN_PURGE: usize = 1_024;
