//! Controls of a running `MockOkta`.

use std::time::Duration;

use super::{Endpoint, Fault, Hits, MockOkta, Rotation};
use crate::listener;

impl MockOkta {
    /// Returns the number of requests received so far.
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

    /// Resets the counts to zero.
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

    /// Waits until `endpoint` has received `count` requests. Use it for fetches that run in the
    /// background.
    ///
    /// # Panics
    ///
    /// Panics if the requests do not arrive within five seconds.
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
            "{endpoint:?} did not receive {count} requests within 5 s: {:?}",
            self.hits()
        );
    }

    /// Rotates the keys. Each new key has a new ID. The RSA pairs come from a pool of the process, so
    /// the same RSA pair is published again after four rotations. The first use of a pair takes a
    /// noticeable part of a second.
    ///
    /// # Panics
    ///
    /// Panics on [`Rotation::Promote`] if no keys were appended.
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

    /// Withdraws one key: it is no longer published and no longer signs.
    ///
    /// # Panics
    ///
    /// Panics if no published key has this ID.
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
            "`{kid}` is not a published key; name one of {known:?}"
        );
        let ring = &mut self.shared.state().ring;
        for keys in [&mut ring.active, &mut ring.next, &mut ring.expired] {
            keys.retain(|key| key.kid != kid);
        }
    }

    /// Injects `fault` into every request to `endpoint`, until [`clear_faults`](Self::clear_faults). The new
    /// fault replaces an earlier fault of the same endpoint.
    ///
    /// # Panics
    ///
    /// Panics if the fault applies only to metadata and the endpoint is not [`Endpoint::Discovery`], or
    /// if the fault's JSON text is not valid JSON.
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

    /// Injects `fault` into the next `count` requests to `endpoint`, or into none if `count` is 0.
    ///
    /// # Panics
    ///
    /// Panics under the same conditions as [`fault`](Self::fault).
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
        assert!(
            fits,
            "{fault:?} is a fault of metadata; inject it at `Endpoint::Discovery`"
        );
        fault.assert_json();
        listener::public(fault.url().unwrap_or_default());
        let mut state = self.shared.state();
        state.faults.retain(|it| it.0 != endpoint);
        if count > 0 {
            state.faults.push((endpoint, fault, count));
        }
    }

    /// Injects `fault` into every introspection request about a token that this server did not make,
    /// until [`clear_faults`](Self::clear_faults). Some real servers fail on such tokens instead of
    /// responding `"active": false`. For these tokens this fault takes precedence over a fault of
    /// [`Endpoint::Introspection`].
    ///
    /// # Panics
    ///
    /// Panics if the fault applies only to metadata, or if its JSON text is not valid JSON.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Fault, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.fault_for_unknown_tokens(Fault::Status(500));
    /// // Introspection of `okta.opaque_token("ada").sign()` succeeds, of other strings it fails.
    /// # }
    /// ```
    pub fn fault_for_unknown_tokens(&self, fault: Fault) {
        assert!(
            !fault.is_of_metadata(),
            "{fault:?} is a fault of metadata; inject it at `Endpoint::Discovery`"
        );
        fault.assert_json();
        self.shared.state().unknown_token_fault = Some(fault);
    }

    /// Removes every fault. A request that is already being handled keeps its fault.
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
