//! [`Retirement`]: whether a key or the settings of an issuer are still in use, and the notification of
//! those that wait for the end.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// The end of the use of a key or of settings. It begins as "in use" and changes once.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    retired: AtomicBool,
    waiters: Notify,
}

impl Retirement {
    /// Marks the end. The waiters are woken by [`wake`](Self::wake), because the caller may hold a lock.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Wakes the waiters after [`retire`](Self::retire). The caller must not hold a lock, because a waker is
    /// foreign code and may run its task at once.
    pub(crate) fn wake(&self) {
        self.waiters.notify_waiters();
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Waits for the end. Returns at once if it is marked already.
    pub(crate) async fn wait(&self) {
        // This future receives each notification from its creation on, so none is missed after the check.
        let woken = self.waiters.notified();
        if !self.is_retired() {
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn retirement_is_noticed_before_and_after_its_waiters_are_woken() {
        let mut context = Context::from_waker(Waker::noop());
        let retirement = Retirement::default();
        let mut early = pin!(retirement.wait());
        assert_eq!(early.as_mut().poll(&mut context), Poll::Pending);
        retirement.wake(); // without an end
        let mut late = pin!(retirement.wait());
        assert_eq!(late.as_mut().poll(&mut context), Poll::Pending);
        retirement.retire();
        assert_eq!(late.as_mut().poll(&mut context), Poll::Pending);
        let between = pin!(retirement.wait());
        assert_eq!(between.poll(&mut context), Poll::Ready(()));
        retirement.wake();
        assert_eq!(late.poll(&mut context), Poll::Ready(()));
        assert_eq!(pin!(retirement.wait()).poll(&mut context), Poll::Ready(()));
    }
}
