//! What made-up key ids may cost.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

/// A token bucket: [`BURST`] fetches at once, one more every [`REFILL`]. Asking without drawing
/// leaves it alone, so that no flood pushes the next refill back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    left: u32,
    /// Since when the next refill is counted; `None` while the bucket has always been full.
    counted: Option<Instant>,
}

impl Budget {
    pub(super) fn full() -> Self {
        Self {
            left: BURST,
            counted: None,
        }
    }

    /// Until there is something to draw; `None`: there is.
    pub(super) fn wait(self, now: Instant) -> Option<Duration> {
        (self.at(now).left == 0).then(|| self.next_refill(now).duration_since(now))
    }

    pub(super) fn draw(&mut self, now: Instant) {
        *self = self.at(now);
        self.left = self.left.saturating_sub(1);
    }

    pub(super) fn next_refill(self, now: Instant) -> Instant {
        self.at(now).counted.unwrap_or(now) + REFILL
    }

    fn at(self, now: Instant) -> Self {
        let counted = self.counted.unwrap_or(now);
        let refills = now.saturating_duration_since(counted).as_secs() / REFILL.as_secs();
        let left = BURST.min(
            self.left
                .saturating_add(u32::try_from(refills).unwrap_or(u32::MAX)),
        );
        let counted = if left == BURST {
            now
        } else {
            counted + REFILL * u32::try_from(refills).unwrap_or(0)
        };
        Self {
            left,
            counted: Some(counted),
        }
    }
}

/// The `kid`s that the issuer was shown not to publish.
#[derive(Debug, Default)]
pub(super) struct Refused {
    kids: HashSet<u64>,
    until: Option<Instant>,
}

impl Refused {
    pub(super) fn forget(&mut self) {
        self.kids.clear();
    }

    pub(super) fn holds(&self, kid: u64, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until) && self.kids.contains(&kid)
    }

    pub(super) fn remember(&mut self, kid: u64, now: Instant, until: Instant) {
        if self.until.is_none_or(|until| now >= until) {
            self.kids.clear();
            self.until = Some(until);
        }
        if self.kids.len() < MAX_REFUSED {
            self.kids.insert(kid);
        }
    }
}

const BURST: u32 = 3;
const REFILL: Duration = Duration::from_secs(10);
const MAX_REFUSED: usize = 1024;
