//! What a test may do to a running `MockOkta`.

use std::time::Duration;

use super::{Endpoint, Fault, Hits, MockOkta, Rotation};
use crate::listener;

impl MockOkta {
    /// How many requests came so far.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let hits = okta.hits();
    /// assert_eq!((hits.discovery, hits.keys, hits.token), (0, 0, 0));
    /// # }
    /// ```
    #[must_use]
    pub fn hits(&self) -> Hits {
        *self.shared.hits.borrow()
    }

    /// Counts from zero again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// okta.reset_hits();
    /// assert_eq!(okta.hits().keys, 0);
    /// # }
    /// ```
    pub fn reset_hits(&self) {
        self.shared.hits.send_replace(Hits::default());
    }

    /// Waits until `endpoint` was asked `count` times: for fetches that nobody waits for.
    ///
    /// # Panics
    ///
    /// When that takes more than five seconds.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use okta_verifier::Verifier;
    /// use okta_verifier_testing::{Endpoint, MockOkta};
    ///
    /// let okta = MockOkta::start().await;
    /// let issuer = okta.issuer("api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// verifier.warm_up().await?;
    /// okta.wait_for_hits(Endpoint::Keys, 1).await;
    /// # Ok(()) }
    /// ```
    pub async fn wait_for_hits(&self, endpoint: Endpoint, count: usize) {
        let mut hits = self.shared.hits.subscribe();
        let reached = hits.wait_for(|hits| hits.of(endpoint) >= count);
        let reached = tokio::time::timeout(Duration::from_secs(5), reached)
            .await
            .is_ok();
        assert!(
            reached,
            "{endpoint:?} was not asked {count} times: {:?}",
            self.hits()
        );
    }

    /// Changes the keys, all four. The RSA pairs come from a pool of the process and return after
    /// four rotations, under new names; making one takes a moment the first time.
    ///
    /// # Panics
    ///
    /// On [`Rotation::Promote`] when nothing was appended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{MockOkta, Rotation};
    /// # let okta = MockOkta::start().await;
    /// let old = okta.token("ada").sign();
    /// okta.rotate(Rotation::Hard);
    /// let new = okta.token("ada").sign();
    /// # }
    /// ```
    pub fn rotate(&self, rotation: Rotation) {
        let mut state = self.shared.state();
        state.generation += 1;
        let generation = state.generation;
        rotation.turn(&mut state.ring, generation);
    }

    /// Takes one key back: it is published no more, and signs no more.
    ///
    /// # Panics
    ///
    /// When no published key has that name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let okta = okta_verifier_testing::MockOkta::start().await;
    /// let leaked = okta.key_ids().remove(0);
    /// okta.withdraw(&leaked);
    /// assert!(!okta.key_ids().contains(&leaked));
    /// # }
    /// ```
    pub fn withdraw(&self, kid: &str) {
        let known = self.key_ids();
        assert!(
            known.iter().any(|it| it == kid),
            "no key `{kid}` among {known:?}"
        );
        let ring = &mut self.shared.state().ring;
        for keys in [&mut ring.active, &mut ring.next, &mut ring.expired] {
            keys.retain(|key| key.kid != kid);
        }
    }

    /// Disturbs every request to `endpoint`, until [`clear_faults`](Self::clear_faults). Replaces
    /// an older fault there.
    ///
    /// # Panics
    ///
    /// When the fault is one of metadata and the endpoint is not [`Endpoint::Discovery`], and when
    /// its JSON text is none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.fault(Endpoint::Keys, Fault::Hang);
    /// okta.clear_faults();
    /// # }
    /// ```
    pub fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.fault_times(endpoint, fault, usize::MAX);
    }

    /// Disturbs the next `count` requests to `endpoint`; none when `count` is 0.
    ///
    /// # Panics
    ///
    /// As [`fault`](Self::fault).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.fault_times(Endpoint::Discovery, Fault::Status(404), 2);
    /// # }
    /// ```
    pub fn fault_times(&self, endpoint: Endpoint, fault: Fault, count: usize) {
        let fits = endpoint == Endpoint::Discovery || !fault.is_of_metadata();
        assert!(fits, "{fault:?} belongs to `Endpoint::Discovery`");
        fault.assert_json();
        listener::public(fault.url().unwrap_or_default());
        let mut state = self.shared.state();
        state.faults.retain(|it| it.0 != endpoint);
        if count > 0 {
            state.faults.push((endpoint, fault, count));
        }
    }

    /// Disturbs every introspection request about a token that this server did not make, until
    /// [`clear_faults`](Self::clear_faults): some servers fail on such tokens instead of answering
    /// `"active": false`. It takes the place of a fault of [`Endpoint::Introspection`] for these tokens.
    ///
    /// # Panics
    ///
    /// When the fault is one of metadata, or when its JSON text is none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Fault, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.fault_for_unknown_tokens(Fault::Status(500));
    /// // Requests about `okta.opaque_token("ada").sign()` are answered, those about other strings fail.
    /// # }
    /// ```
    pub fn fault_for_unknown_tokens(&self, fault: Fault) {
        assert!(
            !fault.is_of_metadata(),
            "{fault:?} belongs to `Endpoint::Discovery`"
        );
        fault.assert_json();
        self.shared.state().unknown_token_fault = Some(fault);
    }

    /// Ends every fault; requests that are being disturbed stay so.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.fault(Endpoint::Discovery, Fault::Drop);
    /// okta.clear_faults();
    /// # }
    /// ```
    pub fn clear_faults(&self) {
        let mut state = self.shared.state();
        state.faults.clear();
        state.unknown_token_fault = None;
    }
}
