//! [`Store`]: the owners of sessions, and the places that are taken. Its operations take the time as an argument.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    caller::Caller,
    crypto::Fingerprint,
    sync::clock::{End, Now},
};

/// Who owns a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The issuer, the client and the subject of a token.
    Caller(Caller),
    /// All requests without a token.
    Anonymous,
}

/// Whose share of the places a session takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// The issuer and the subject of a token. A user who registers many clients still has one share.
    Subject(Caller),
    /// All requests without a token.
    Anonymous,
}

/// The owners of sessions, and the places that are taken by sessions and by reservations.
///
/// The places of each holder are counted exactly: the number of holders is at most that of the places. The counters
/// of the DPoP replay store do not fit here, because they take the end of an entry as fixed, and each use postpones the
/// end of a session.
#[derive(Default)]
pub(super) struct Store {
    sessions: HashMap<Fingerprint, Session>,
    /// The sessions from the least to the most recently used one, so that expired ones are found first.
    by_last_use: BTreeSet<(Instant, Fingerprint)>,
    /// The number of places of each holder, with those that are reserved. It has no holder without a place.
    places: HashMap<Holder, usize>,
    reserved: usize,
}

struct Session {
    owner: Owner,
    holder: Holder,
    last_use: Instant,
    end: End,
}

/// The result of binding a session to an owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// The session has taken the reserved place.
    New,
    /// The owner had the session before, so the reserved place is not needed.
    Renewed,
    /// Another owner has the session.
    OfAnother,
}

impl Store {
    /// Returns whether the session belongs to the owner, and renews it.
    pub(super) fn renew(
        &mut self,
        id: Fingerprint,
        owner: Owner,
        idle: Duration,
        now: Now,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else {
            return false;
        };
        if !now.is_before(session.end) {
            self.forget(id);
            return false;
        }
        if session.owner != owner {
            return false;
        }
        self.by_last_use.remove(&(session.last_use, id));
        self.by_last_use.insert((now.instant, id));
        session.last_use = now.instant;
        session.end = now.plus(idle);
        true
    }

    /// Reserves a place. Returns `false` if `capacity` places are taken, or `share` by this holder.
    pub(super) fn reserve(
        &mut self,
        holder: Holder,
        capacity: usize,
        share: usize,
        now: Now,
    ) -> bool {
        self.remove_expired(now);
        let own = self.places.get(&holder).copied().unwrap_or(0);
        if self.sessions.len() + self.reserved >= capacity || own >= share {
            return false;
        }
        self.places.insert(holder, own + 1);
        self.reserved += 1;
        true
    }

    /// Gives back a reserved place that no session has taken.
    pub(super) fn give_back(&mut self, holder: Holder) {
        self.reserved = self.reserved.saturating_sub(1);
        self.release(holder);
    }

    /// Binds a session to the owner, in a reserved place of the holder.
    pub(super) fn bind(
        &mut self,
        id: Fingerprint,
        owner: Owner,
        holder: Holder,
        idle: Duration,
        now: Now,
    ) -> Binding {
        if self.renew(id, owner, idle, now) {
            return Binding::Renewed;
        }
        // `renew` has removed it if it has expired.
        if self.sessions.contains_key(&id) {
            return Binding::OfAnother;
        }
        let session = Session {
            owner,
            holder,
            last_use: now.instant,
            end: now.plus(idle),
        };
        self.sessions.insert(id, session);
        self.by_last_use.insert((now.instant, id));
        self.reserved = self.reserved.saturating_sub(1);
        Binding::New
    }

    /// Removes a session of the owner.
    pub(super) fn remove(&mut self, id: Fingerprint, owner: Owner) {
        if self
            .sessions
            .get(&id)
            .is_some_and(|session| session.owner == owner)
        {
            self.forget(id);
        }
    }

    /// Removes the sessions that have expired, from the least recently used one to the first that has not expired.
    /// After the wall clock was set, some may be found later; `renew` never accepts them.
    fn remove_expired(&mut self, now: Now) {
        while let Some((_, id)) = self.by_last_use.first().copied() {
            let is_live = self
                .sessions
                .get(&id)
                .is_some_and(|session| now.is_before(session.end));
            if is_live {
                break;
            }
            self.forget(id);
        }
    }

    fn forget(&mut self, id: Fingerprint) {
        if let Some(session) = self.sessions.remove(&id) {
            self.by_last_use.remove(&(session.last_use, id));
            self.release(session.holder);
        }
    }

    fn release(&mut self, holder: Holder) {
        if let Some(places) = self.places.get_mut(&holder) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                self.places.remove(&holder);
            }
        }
    }
}

#[cfg(test)]
mod tests;
