//! From settings to issuers at work, at start-up and at run time.

use std::sync::Arc;

use crate::{
    crypto::random_u64,
    error::ConfigError,
    introspection::Introspector,
    issuer::{Issuer, Judged},
    keys::{KeyStore, Source, Store},
    remote::{Clients, Fetch},
    request::Challenges,
    time::Now,
    token::Origin,
    verifier::{ActiveIssuer, Issuers, Verifier},
};

impl Verifier {
    /// Accepts these issuers from now on, and no other: for issuers that come and go while the
    /// service runs. Asks nobody.
    ///
    /// An issuer with the settings it had keeps all it has; one with other settings keeps its
    /// keys at most; and what one accepted that is gone is refused at its next request. A
    /// request that is being judged meanwhile is judged by the former ones.
    ///
    /// There is no way to accept every issuer of a domain: whoever can open an account there would
    /// choose who is let in. List those you know, from your database.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenant = |name| TestIssuer::new("api://orders").at(format!("https://{name}.okta.test/oauth2/default"));
    /// # let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    /// # let issuer = |it: &TestIssuer| it.issuer().any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer(&acme)).build()?;
    ///
    /// verifier.set_issuers([issuer(&umbrella)])?;
    /// assert!(verifier.verify(&umbrella.token("ada").sign()).await.is_ok());
    /// let refused = verifier.verify(&acme.token("ada").sign()).await.unwrap_err();
    /// assert_eq!(refused.code(), "unknown_issuer");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The first setting that is wrong. Then nothing has changed.
    pub fn set_issuers(
        &self,
        issuers: impl IntoIterator<Item = Issuer>,
    ) -> Result<(), ConfigError> {
        let issuers: Vec<_> = issuers.into_iter().collect();
        self.replace(|former, clients, challenges| {
            let former: Vec<_> = former.iter().cloned().collect();
            activate(issuers, &former, clients, challenges)
        })
    }
}

/// `former` are those at work before.
pub(super) fn activate(
    issuers: Vec<Issuer>,
    former: &[Arc<ActiveIssuer>],
    clients: &mut Clients,
    challenges: &Arc<Challenges>,
) -> Result<Issuers, ConfigError> {
    let list = issuers.into_iter().map(|issuer| {
        let settings = issuer.clone().without_snapshot();
        if let Some(same) = former.iter().find(|issuer| issuer.settings == settings) {
            return Ok(same.clone());
        }
        let mut judged = issuer.judge()?;
        if judged.is_http() && (judged.pinned.is_none() || judged.introspection.is_some()) {
            tracing::warn!(
                issuer = &*judged.expected.issuer,
                "issuer uses plain HTTP; this is only supported for local development"
            );
        }
        let asking = match judged.introspection.take() {
            Some(asking) => Some((asking, way(&judged, clients)?)),
            None => None,
        };
        let keys = match former.iter().find(|it| it.settings.has_keys_of(&settings)) {
            Some(issuer) => issuer.keys.clone(),
            None => keys(&judged, clients)?,
        };
        let origin = Arc::new(Origin {
            expected: judged.expected,
            groups_claim: judged.groups_claim,
            challenges: challenges.clone(),
        });
        let introspection = asking.map(|(asking, fetch)| {
            Arc::new(Introspector::new(
                asking,
                origin.clone(),
                judged.metadata,
                fetch,
                clients.deadline(),
                random_u64(),
            ))
        });
        Ok(Arc::new(ActiveIssuer::new(
            settings,
            origin,
            keys,
            introspection,
        )))
    });
    Issuers::new(list.collect::<Result<_, _>>()?)
}

fn way(judged: &Judged, clients: &mut Clients) -> Result<Fetch, ConfigError> {
    if judged.is_http() {
        clients.loopback()
    } else {
        clients.https()
    }
}

fn keys(judged: &Judged, clients: &mut Clients) -> Result<KeyStore, ConfigError> {
    if let Some(set) = &judged.pinned {
        return Ok(KeyStore::Pinned(set.clone()));
    }
    let source = Source::new(
        way(judged, clients)?,
        judged.metadata.clone(),
        judged.key_options,
        clients.deadline(),
    );
    let store = Store::new(source, random_u64(), judged.stale_if_error);
    let store = match &judged.key_snapshot {
        None => store,
        Some(saved) => store
            .restore(saved, Now::read())
            .map_err(|error| ConfigError::Keys {
                issuer: saved.issuer.clone(),
                problem: error.to_string(),
            })?,
    };
    Ok(KeyStore::Fetched(Arc::new(store)))
}
