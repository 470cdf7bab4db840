//! How many fetches unknown keys may cause.

use std::time::Duration;

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
        let Self { left, counted } = self.at(now);
        let refill = counted.unwrap_or(now) + REFILL;
        (left == 0).then(|| refill.duration_since(now))
    }

    pub(super) fn draw(&mut self, now: Instant) {
        *self = self.at(now);
        self.left = self.left.saturating_sub(1);
    }

    /// Whether a fetch that began at `began` is younger than the refill interval.
    pub(super) fn is_recent(began: Instant, now: Instant) -> bool {
        now.saturating_duration_since(began) < REFILL
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

const BURST: u32 = 3;
const REFILL: Duration = Duration::from_secs(10);
