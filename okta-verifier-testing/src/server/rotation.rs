//! Key rotation.

use std::mem;

use okta_verifier::Algorithm;

use crate::keys::{Ring, generate};
use crate::test_issuer::DEFAULT_ALGORITHMS;

/// A kind of rotation: what happens to the old keys, and when the new keys start to sign.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::{MockOkta, Rotation};
/// # let okta = MockOkta::start().await;
/// okta.rotate(Rotation::Append);
/// assert_eq!(okta.key_ids().len(), 8);
/// okta.rotate(Rotation::Promote);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// Publishes new keys, which sign at once. The old ones stay published.
    Overlap,
    /// Publishes new keys that do not sign yet, and removes keys that were appended earlier. The old
    /// keys continue to sign. Okta publishes its next key in this way, weeks in advance.
    Append,
    /// Makes the keys of the last [`Append`](Rotation::Append) sign. The old keys stay published.
    Promote,
    /// Publishes new keys, which sign at once, and withdraws every older key, as in an emergency.
    Hard,
}

impl Rotation {
    /// Applies the rotation.
    ///
    /// # Panics
    ///
    /// Panics on `Promote` if no keys were appended.
    pub(super) fn turn(self, ring: &mut Ring, generation: usize) {
        let algorithms: &[Algorithm] = &DEFAULT_ALGORITHMS;
        let fresh = match self {
            Self::Append => {
                ring.next = generate(algorithms, generation);
                return;
            }
            Self::Hard => {
                *ring = Ring::new(algorithms, generation);
                return;
            }
            Self::Promote => mem::take(&mut ring.next),
            Self::Overlap => generate(algorithms, generation),
        };
        assert!(
            !fresh.is_empty(),
            "no keys were appended; call `rotate(Rotation::Append)` before `Promote`"
        );
        let old = mem::replace(&mut ring.active, fresh);
        ring.expired.splice(0..0, old);
    }
}
