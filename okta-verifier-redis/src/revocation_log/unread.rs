//! `Unread`: what this instance appended and has not read back yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::position::{EntryId, Position, Tag};

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

#[derive(Default)]
struct Append {
    /// How many appends the server had confirmed before this one, or `None` if no reply has arrived. A read may have
    /// the entries before the reply to the append arrives.
    stored: Option<u64>,
    /// The entry that was read. It counts for good when a later read begins after it: until then the caller may have
    /// dropped the read that returned it.
    read: Option<EntryId>,
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
        state.appends.insert(tag, Append::default());
        drop(state);
        Some(Sent { unread: self, tag })
    }

    /// Begins a read after `position`. Returns the number of appends that were confirmed so far, all of which the log
    /// must have.
    pub(super) fn begin(&self, position: Option<&Position>) -> u64 {
        let after = position.and_then(|position| position.last);
        let mut state = self.lock();
        state.appends.retain(|_, append| {
            let is_before = |read| after.is_some_and(|(after, _)| read <= after);
            append.read = append.read.filter(|read| is_before(*read));
            append.stored.is_none() || append.read.is_none()
        });
        state.stored
    }

    /// Records the entries that were read.
    pub(super) fn read(&self, entries: impl Iterator<Item = (EntryId, Tag)>) {
        let mut state = self.lock();
        for (id, tag) in entries {
            if let Some(append) = state.appends.get_mut(&tag) {
                append.read = Some(id);
            }
        }
    }

    /// Returns whether one of the first `stored` confirmed appends was not read back.
    pub(super) fn is_missing(&self, stored: u64) -> bool {
        let state = self.lock();
        let mut appends = state.appends.values();
        appends.any(|append| append.read.is_none() && append.is_among(stored))
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
        self.stored.is_some_and(|number| number < stored)
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
        if let Some(append) = state.appends.get_mut(&self.tag) {
            append.stored = Some(number);
        }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let mut state = self.unread.lock();
        let is_stored = |append: &Append| append.stored.is_some();
        if !state.appends.get(&self.tag).is_some_and(is_stored) {
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

    const BIRTH: &str = "00000000000000b1";

    /// Appends, and returns the tag.
    fn append(unread: &Unread) -> Tag {
        let tag = Tag::random();
        unread.send(tag).unwrap().stored();
        tag
    }

    fn read(unread: &Unread, id: &str, tag: Tag) {
        unread.read([(EntryId::parse(id).unwrap(), tag)].into_iter());
    }

    fn begin(unread: &Unread, after: &str) -> u64 {
        unread.begin(Position::parse(&format!("{BIRTH} {after} {BIRTH}")).as_ref())
    }

    #[test]
    fn unread_append_is_missing_until_it_is_read() {
        let unread = Unread::default();
        let tag = append(&unread);
        assert!(unread.is_missing(unread.begin(None)));
        // A read that began before the confirmation need not have it.
        assert!(!unread.is_missing(0));
        read(&unread, "1-0", Tag::random());
        assert!(unread.is_missing(1));
        read(&unread, "2-0", tag);
        assert!(!unread.is_missing(1));
        assert!(!unread.is_missing(begin(&unread, "2-0")));
        assert!(unread.lock().appends.is_empty());
    }

    #[test]
    fn unread_append_whose_read_was_dropped_is_missing_again() {
        for before in [None, Some("1-9")] {
            let unread = Unread::default();
            let tag = append(&unread);
            read(&unread, "2-0", tag);
            let stored = match before {
                Some(before) => begin(&unread, before),
                None => unread.begin(None),
            };
            assert!(unread.is_missing(stored));
        }
    }

    #[test]
    fn unread_append_that_is_read_before_its_confirmation_is_not_missing() {
        let (unread, tag) = (Unread::default(), Tag::random());
        let sent = unread.send(tag).unwrap();
        read(&unread, "1-0", tag);
        begin(&unread, "1-0");
        sent.stored();
        assert!(!unread.is_missing(begin(&unread, "3-0")));
        assert!(unread.lock().appends.is_empty());
    }

    #[test]
    fn unread_append_without_a_confirmation_is_forgotten() {
        let unread = Unread::default();
        drop(unread.send(Tag::random()).unwrap());
        assert_eq!(unread.begin(None), 0);
        assert!(unread.lock().appends.is_empty());
    }

    #[test]
    fn unread_appends_that_are_forgotten_are_those_before_the_read() {
        let unread = Unread::default();
        append(&unread);
        let stored = unread.begin(None);
        append(&unread);
        unread.forget(stored);
        assert!(!unread.is_missing(stored));
        assert!(unread.is_missing(unread.begin(None)));
    }

    #[test]
    fn unread_appends_have_a_limit() {
        let unread = Unread::default();
        for _ in 0..MAX {
            append(&unread);
        }
        assert!(unread.send(Tag::random()).is_none());
        unread.forget(unread.begin(None));
        assert!(unread.send(Tag::random()).is_some());
    }
}
