//! The API for operators: `warm_up`, `refresh`, `health` and `key_snapshots`.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use super::{Tenant, Verifier};
use crate::{
    error::{FetchKeysError, VerifyError},
    health::IssuerHealth,
    keys::KeySnapshot,
    sync::clock::Now,
};

impl Verifier {
    /// Fetches the keys of every issuer now, for a service that should not start without them.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let issuer = okta.issuer("api://default").any_client_id();
    /// # okta.fault_times(Endpoint::Discovery, Fault::Html, 1);
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// if let Err(error) = verifier.warm_up().await {
    ///     eprintln!("starting without keys: {error:?}"); // with the cause; or stop here
    /// }
    /// # let error = verifier.health()[0].last_error.as_ref().unwrap().to_string();
    /// # assert_eq!(error, "the issuer's response is not accepted as JSON: it has the Content-Type \"text/html\"");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// That of the first issuer whose keys could not be fetched; those of the others are fetched. The
    /// verifier stays usable, and tries again when a token comes.
    pub async fn warm_up(&self) -> Result<(), FetchKeysError> {
        let tenants = self.0.tenants.load_full();
        let fetch = |tenant| async move { named(tenant, tenant.keys.warm_up().await) };
        all(tenants.iter().map(fetch)).await
    }

    /// Fetches the keys of every issuer anew, for an operator after an emergency rotation: keys
    /// that were withdrawn are no longer trusted when it returns, nor any token of theirs.
    ///
    /// ```
    /// # use okta_verifier_testing::{MockOkta, Rotation};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// let stolen = okta.token("ada").sign();
    /// assert!(verifier.verify(&stolen).await.is_ok());
    ///
    /// okta.rotate(Rotation::Hard); // the issuer's administrator withdraws its keys
    /// verifier.refresh().await?;
    /// assert_eq!(verifier.verify(&stolen).await.unwrap_err().code(), "unknown_key_id");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// That of the first issuer whose keys could not be fetched; those of the others are fetched. Its
    /// keys at hand stay in use as long as they are trusted.
    pub async fn refresh(&self) -> Result<(), FetchKeysError> {
        let tenants = self.0.tenants.load_full();
        let fetch = |tenant| async move { named(tenant, tenant.keys.refresh().await) };
        all(tenants.iter().map(fetch)).await
    }

    /// The state of every issuer's keys, and of asking it about tokens, in the order of the
    /// settings. Asks nobody.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, KeyState, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// /// For an alert: the issuers whose tokens get 503 now.
    /// fn down(verifier: &Verifier) -> Vec<String> {
    ///     let health = verifier.health().into_iter();
    ///     let down = health.filter(|it| matches!(it.state, KeyState::Unavailable { .. }));
    ///     down.map(|it| it.issuer).collect()
    /// }
    ///
    /// let nobody = "http://127.0.0.1:1/oauth2/default"; // nobody listens there
    /// let issuer = Issuer::okta(nobody, "api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// assert!(down(&verifier).is_empty()); // nobody has asked yet
    ///
    /// assert!(verifier.warm_up().await.is_err());
    /// assert_eq!(down(&verifier), [nobody]);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # use okta_verifier_testing::MockOkta;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// assert!(verifier.key_snapshots().is_empty()); // nothing was fetched
    /// verifier.warm_up().await?;
    /// let text = serde_json::to_string(&verifier.key_snapshots())?; // public keys, no secret
    /// assert!(text.contains("fetched_at"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn key_snapshots(&self) -> Vec<KeySnapshot> {
        let now = Now::read();
        let snapshot = |tenant: &Arc<Tenant>| tenant.keys.key_snapshot(tenant.issuer(), now);
        self.0.tenants.load().iter().filter_map(snapshot).collect()
    }
}

fn named(tenant: &Arc<Tenant>, result: Result<(), VerifyError>) -> Result<(), FetchKeysError> {
    result.map_err(|error| FetchKeysError::new(tenant.issuer(), error))
}

/// Polls all of them at once, so that a slow issuer delays no other one. Returns the first error in
/// their order.
async fn all<F>(fetches: impl Iterator<Item = F>) -> Result<(), FetchKeysError>
where
    F: Future<Output = Result<(), FetchKeysError>>,
{
    let mut fetches: Vec<_> = fetches.map(Box::pin).collect();
    let mut results: Vec<_> = fetches.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in fetches.iter_mut().zip(&mut results) {
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
