//! How an issuer changes its keys.

use std::mem;

use okta_verifier::Algorithm;

use crate::keys::{Ring, generate};
use crate::test_issuer::DEFAULT_ALGORITHMS;

/// What happens to the old keys, and when the new ones sign.
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
    /// New keys are published and sign at once; the old ones stay published.
    Overlap,
    /// New keys are published, in place of others that were appended, and the old ones go on
    /// signing: Okta does this weeks ahead.
    Append,
    /// The keys of the last [`Append`](Rotation::Append) begin to sign; the old ones stay
    /// published.
    Promote,
    /// New keys sign at once, and every older key is withdrawn: an emergency.
    Hard,
}

impl Rotation {
    /// # Panics
    ///
    /// On `Promote`, when nothing was appended.
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
            "`Rotation::Append` comes before `Promote`"
        );
        let old = mem::replace(&mut ring.active, fresh);
        ring.expired.splice(0..0, old);
    }
}
