//! The events of a random history.

use std::time::Duration;

use proptest::prelude::*;

/// One event of a schedule's history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Pass(Duration),
    Known,
    /// A request for an unknown key that came this long ago.
    Unknown {
        acceptable: bool,
        ago: Duration,
    },
    /// An operator requests keys that are at most this old.
    Refresh(Duration),
    Land(Duration),
    Fail(Option<Duration>),
    Abandon,
    /// An abandoned fetch ends after all.
    EndLate,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let millis = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    let seconds = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    prop_oneof![
        4 => millis(1..3_000).prop_map(Step::Pass),
        2 => seconds(1..60).prop_map(Step::Pass),
        1 => seconds(60..4_000).prop_map(Step::Pass),
        4 => Just(Step::Known),
        8 => (any::<bool>(), millis(0..4_000))
            .prop_map(|(acceptable, ago)| Step::Unknown { acceptable, ago }),
        2 => millis(0..4_000).prop_map(Step::Refresh),
        7 => seconds(0..7_200).prop_map(Step::Land),
        3 => proptest::option::of(seconds(0..300)).prop_map(Step::Fail),
        1 => Just(Step::Abandon),
        1 => Just(Step::EndLate),
    ]
}
