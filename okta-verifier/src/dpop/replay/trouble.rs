//! Whether the log knows that proofs cannot be remembered: it hears of it once, and once that it
//! is over.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// So that in good times no request takes the lock.
    is_told: AtomicBool,
    last: Mutex<Option<Instant>>,
}

impl Trouble {
    /// One request could not be served. Whether the log should hear of it.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_told.store(true, Ordering::Relaxed);
        last.replace(now).is_none()
    }

    /// One request was served. Whether the log should hear that the trouble is over: not before
    /// [`SETTLED`], or who floods among others would write two lines a request.
    pub(crate) fn worked(&self, now: Instant) -> bool {
        if !self.is_told.load(Ordering::Relaxed) {
            return false;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = last.is_some_and(|last| now.saturating_duration_since(last) >= SETTLED);
        if is_over {
            *last = None;
            self.is_told.store(false, Ordering::Relaxed);
        }
        is_over
    }
}

const SETTLED: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    // conformance 170
    #[tokio::test(start_paused = true)]
    async fn trouble_is_told_once_and_once_that_it_is_over() {
        let trouble = Trouble::default();
        let mut now = Instant::now();
        assert!(!trouble.worked(now));
        assert!(trouble.failed(now));
        // Some fail and some do not, for a long time.
        for _ in 0..1000 {
            now += SETTLED - Duration::from_millis(1);
            assert!(!trouble.worked(now));
            assert!(!trouble.failed(now));
        }
        now += SETTLED;
        assert!(trouble.worked(now));
        assert!(!trouble.worked(now));
        assert!(trouble.failed(now));
    }
}
