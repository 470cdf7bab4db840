//! [`OutageLog`]: which failures of a store are logged.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Decides which failures of a store are logged: the first one and the recovery, because a message for each request
/// of an outage would hide everything else.
#[derive(Debug, Default)]
pub(crate) struct OutageLog {
    /// Whether a failure was logged, but no recovery since. While this is false, successful requests do not
    /// take the lock.
    is_logged: AtomicBool,
    last_failure: Mutex<Option<Instant>>,
}

impl OutageLog {
    /// Records a failure. Returns whether to log this failure.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.is_logged.store(true, Ordering::Relaxed);
        last.replace(now).is_none()
    }

    /// Records a success. Returns whether to log the recovery. The store counts as recovered after
    /// [`RECOVERY_TIME`] without a failure, because otherwise failures that alternate with successes would
    /// cause two messages per request.
    pub(crate) fn succeeded(&self, now: Instant) -> bool {
        if !self.is_logged.load(Ordering::Relaxed) {
            return false;
        }
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let has_recovered =
            last.is_some_and(|last| now.saturating_duration_since(last) >= RECOVERY_TIME);
        if has_recovered {
            *last = None;
            self.is_logged.store(false, Ordering::Relaxed);
        }
        has_recovered
    }
}

const RECOVERY_TIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    // conformance 170
    #[tokio::test(start_paused = true)]
    async fn outage_is_logged_once_and_its_recovery_once() {
        let log = OutageLog::default();
        let mut now = Instant::now();
        assert!(!log.succeeded(now));
        assert!(log.failed(now));
        // Failures and successes alternate for a long time.
        for _ in 0..1000 {
            now += RECOVERY_TIME - Duration::from_millis(1);
            assert!(!log.succeeded(now));
            assert!(!log.failed(now));
        }
        now += RECOVERY_TIME;
        assert!(log.succeeded(now));
        assert!(!log.succeeded(now));
        assert!(log.failed(now));
    }
}
