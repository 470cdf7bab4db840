//! [`Epoch`]: a value behind a lock that counts its changes, so that a reader that has seen the value need not look
//! at it again until it changes.
//!
//! This file uses only `std`, and takes its lock and its atomic from the parent module, so that the loom tests can
//! include it with others.

use std::sync::PoisonError;

use super::{AtomicU64, Ordering, RwLock};

/// A value that changes rarely and is looked at often.
pub(crate) struct Epoch<T> {
    value: RwLock<T>,
    /// The number of changes.
    changes: AtomicU64,
}

/// What one reader has seen: the number of changes before its last look that found nothing.
#[derive(Debug)]
pub(crate) struct Seen(AtomicU64);

impl<T> Epoch<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: RwLock::new(value),
            changes: AtomicU64::new(0),
        }
    }

    /// Changes the value. Returns true if `change` does, which must say whether a reader could find more than before.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        let is_changed = change(&mut value);
        if is_changed {
            // Counted after the value was changed: a reader that loads the new number finds the change.
            self.changes.fetch_add(1, Ordering::Release);
        }
        is_changed
    }

    /// Returns whether the value is the same as when the reader last found nothing. This is the whole cost of a cache
    /// hit: two loads.
    #[inline]
    pub(crate) fn is_seen(&self, seen: &Seen) -> bool {
        seen.0.load(Ordering::Relaxed) == self.changes()
    }

    /// Looks at the value, and marks it as seen if nothing is found.
    pub(crate) fn find<R>(&self, seen: &Seen, find: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        // Loaded before the look: a change after it makes the number differ, so that the reader looks again.
        let changes = self.changes();
        let found = self.look(find);
        if found.is_none() {
            seen.0.store(changes, Ordering::Relaxed);
        }
        found
    }

    /// Looks at the value.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the number of changes. A change is in the value before it is in the number.
    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

impl Default for Seen {
    /// Has seen nothing yet.
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}
