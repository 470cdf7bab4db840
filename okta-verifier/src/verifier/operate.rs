//! For whoever runs the service: keys ahead of time, anew, saved, and their state.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use super::{Tenant, Verifier};
use crate::{error::VerifyError, health::IssuerHealth, snapshot::KeySnapshot, time::Now};

impl Verifier {
    /// Fetches the keys of every issuer now, for a service that should not start without.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Unavailable`] of the first issuer whose keys cannot be had; the others'
    /// are fetched. The verifier stays usable, and tries again when a token comes.
    pub async fn warm_up(&self) -> Result<(), VerifyError> {
        let tenants = self.0.tenants.load_full();
        all(tenants.iter().map(|tenant| tenant.keys.warm_up())).await
    }

    /// Fetches the keys of every issuer anew, for an operator after an emergency rotation: keys
    /// that were withdrawn are no longer trusted when it returns, nor any token of theirs.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Unavailable`] of the first issuer whose keys cannot be had; the others'
    /// are fetched. Its keys at hand stay in use as long as they are trusted.
    pub async fn refresh(&self) -> Result<(), VerifyError> {
        let tenants = self.0.tenants.load_full();
        all(tenants.iter().map(|tenant| tenant.keys.refresh())).await
    }

    /// The state of every issuer's keys, and of asking it about tokens, in the order of the
    /// settings. Asks nobody.
    #[must_use]
    pub fn health(&self) -> Vec<IssuerHealth> {
        let now = Now::read();
        let health = |tenant: &Arc<Tenant>| IssuerHealth {
            introspection: tenant.introspection.as_ref().map(|it| it.health(now)),
            ..tenant.keys.health(tenant.issuer(), now)
        };
        self.0.tenants.load().iter().map(health).collect()
    }

    /// The keys of every issuer that has fetched some, to be saved for
    /// [`Issuer::key_snapshot`](crate::Issuer::key_snapshot).
    #[must_use]
    pub fn key_snapshots(&self) -> Vec<KeySnapshot> {
        let now = Now::read();
        let snapshot = |tenant: &Arc<Tenant>| tenant.keys.key_snapshot(tenant.issuer(), now);
        self.0.tenants.load().iter().filter_map(snapshot).collect()
    }
}

/// All of them at once, and the first error in their order: one slow issuer holds up no other.
async fn all<F>(asked: impl Iterator<Item = F>) -> Result<(), VerifyError>
where
    F: Future<Output = Result<(), VerifyError>>,
{
    let mut asked: Vec<_> = asked.map(Box::pin).collect();
    let mut results: Vec<_> = asked.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in asked.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(outcome) = Pin::as_mut(future).poll(context)
            {
                *result = Some(outcome);
            }
        }
        if results.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
