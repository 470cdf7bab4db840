//! `Unread`: what this instance appended and has not read back yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::position::Tag;

/// The appends of this instance that it has not read back. A server can fail after it has confirmed an append and
/// before any instance has read it. No reader misses the entries then, except the instance that appended them.
#[derive(Default)]
pub(super) struct Unread(Mutex<State>);

#[derive(Default)]
struct State {
    appends: HashMap<Tag, Append>,
    /// The number of appends that were confirmed.
    stored: u64,
}

enum Append {
    /// No reply has arrived. A read may have the entries before the reply to the append arrives.
    Sent { is_read: bool },
    /// The server confirmed it, as the append with this number.
    Stored(u64),
}

/// An append that is being sent. If it is dropped without a confirmation, the append is forgotten, because its
/// entries may not be stored.
pub(super) struct Sent<'a> {
    unread: &'a Unread,
    tag: Tag,
}

impl Unread {
    /// Records an append before it is sent. Returns `None` if too many are unread.
    pub(super) fn send(&self, tag: Tag) -> Option<Sent<'_>> {
        let mut state = self.lock();
        if state.appends.len() == MAX {
            return None;
        }
        state.appends.insert(tag, Append::Sent { is_read: false });
        drop(state);
        Some(Sent { unread: self, tag })
    }

    /// Returns the number of appends that were confirmed so far. A read that begins now must have all of them.
    pub(super) fn stored(&self) -> u64 {
        self.lock().stored
    }

    /// Records the tags of entries that were read.
    pub(super) fn read(&self, tags: impl Iterator<Item = Tag>) {
        let mut state = self.lock();
        for tag in tags {
            match state.appends.get_mut(&tag) {
                Some(Append::Sent { is_read }) => *is_read = true,
                Some(Append::Stored(_)) => drop(state.appends.remove(&tag)),
                None => {}
            }
        }
    }

    /// Returns whether one of the first `stored` confirmed appends was not read back.
    pub(super) fn is_missing(&self, stored: u64) -> bool {
        let state = self.lock();
        let mut appends = state.appends.values();
        appends.any(|append| append.is_among(stored))
    }

    /// Forgets the first `stored` confirmed appends.
    pub(super) fn forget(&self, stored: u64) {
        let mut state = self.lock();
        state.appends.retain(|_, append| !append.is_among(stored));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Append {
    fn is_among(&self, stored: u64) -> bool {
        matches!(self, Self::Stored(number) if *number < stored)
    }
}

impl Sent<'_> {
    pub(super) fn tag(&self) -> Tag {
        self.tag
    }

    /// Records that the server confirmed the append.
    pub(super) fn stored(self) {
        let mut state = self.unread.lock();
        let number = state.stored;
        state.stored += 1;
        if let Some(append @ Append::Sent { is_read: false }) = state.appends.get_mut(&self.tag) {
            *append = Append::Stored(number);
        }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let mut state = self.unread.lock();
        if let Some(Append::Sent { .. }) = state.appends.get(&self.tag) {
            state.appends.remove(&self.tag);
        }
    }
}

/// The maximum number of appends that are not read back, which bounds the memory: an instance that reads nothing must
/// not append for ever.
const MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_append_is_missing_until_it_is_read() {
        let (unread, tag) = (Unread::default(), Tag::random());
        unread.send(tag).unwrap().stored();
        assert!(unread.is_missing(unread.stored()));
        // A read that began before the confirmation need not have it.
        assert!(!unread.is_missing(0));
        unread.read([Tag::random()].into_iter());
        assert!(unread.is_missing(1));
        unread.read([tag].into_iter());
        assert!(!unread.is_missing(1));
    }

    #[test]
    fn unread_append_that_is_read_before_its_confirmation_is_not_missing() {
        let (unread, tag) = (Unread::default(), Tag::random());
        let sent = unread.send(tag).unwrap();
        unread.read([tag].into_iter());
        sent.stored();
        assert!(!unread.is_missing(unread.stored()));
        assert!(unread.lock().appends.is_empty());
    }

    #[test]
    fn unread_append_without_a_confirmation_is_forgotten() {
        let unread = Unread::default();
        drop(unread.send(Tag::random()).unwrap());
        assert_eq!(unread.stored(), 0);
        assert!(unread.lock().appends.is_empty());
    }

    #[test]
    fn unread_appends_that_are_forgotten_are_those_before_the_read() {
        let (unread, later) = (Unread::default(), Tag::random());
        unread.send(Tag::random()).unwrap().stored();
        let stored = unread.stored();
        unread.send(later).unwrap().stored();
        unread.forget(stored);
        assert!(!unread.is_missing(stored));
        assert!(unread.is_missing(unread.stored()));
    }

    #[test]
    fn unread_appends_have_a_limit() {
        let unread = Unread::default();
        for _ in 0..MAX {
            unread.send(Tag::random()).unwrap().stored();
        }
        assert!(unread.send(Tag::random()).is_none());
        unread.forget(unread.stored());
        assert!(unread.send(Tag::random()).is_some());
    }
}
