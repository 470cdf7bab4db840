//! Two verifiers of one issuer, with and without a token cache.

use std::time::SystemTime;

use okta_verifier::{
    Issuer, SubjectKind, VerifiedToken, Verifier, adapter::RequestCredentials,
    error::FetchKeysError,
};
use proptest::prelude::*;
use serde_json::Value;

/// Everything that a caller can read from a result.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Accepted(Box<Observed>),
    Rejected(&'static str),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Observed {
    names: [Option<String>; 5],
    subject_kind: SubjectKind,
    dates: [Option<SystemTime>; 3],
    scopes: Vec<String>,
    groups: Vec<String>,
    claims: Value,
}

impl From<&VerifiedToken> for Observed {
    fn from(token: &VerifiedToken) -> Self {
        Self {
            names: [
                Some(token.issuer()),
                Some(token.subject()),
                token.client_id(),
                token.jti(),
                token.acr(),
            ]
            .map(|name| name.map(str::to_owned)),
            subject_kind: token.subject_kind(),
            dates: [
                Some(token.expires_at()),
                token.issued_at(),
                token.authenticated_at(),
            ],
            scopes: token.scopes().map(str::to_owned).collect(),
            groups: token.groups().map(str::to_owned).collect(),
            claims: token.claims().unwrap(),
        }
    }
}

async fn verify(verifier: &Verifier, jwt: &str) -> Outcome {
    let result = verifier.verify(jwt).await;
    secret_scan::shown(format!("{result:?}"));
    match result {
        Ok(token) => Outcome::Accepted(Box::new(Observed::from(&token))),
        Err(error) => Outcome::Rejected(error.code()),
    }
}

/// Returns `None` if the verifier must fetch keys first.
fn authenticate(verifier: &Verifier, jwt: &str) -> Option<Outcome> {
    let authorization = format!("Bearer {jwt}");
    let decision = verifier
        .authenticate(&RequestCredentials::new([authorization.as_bytes()]))
        .into_ready()
        .ok()?;
    secret_scan::verdict(&decision);
    Some(match decision {
        Ok(token) => Outcome::Accepted(Box::new(Observed::from(&token))),
        Err(rejection) => Outcome::Rejected(rejection.error().unwrap().code()),
    })
}

/// The two verifiers, which get the same tokens in the same order.
pub(crate) struct VerifierPair {
    without_cache: Verifier,
    with_cache: Verifier,
}

impl VerifierPair {
    pub(crate) fn new(build: impl Fn(u64) -> Verifier) -> Self {
        Self {
            without_cache: build(0),
            with_cache: build(100),
        }
    }

    /// Both fetch their keys again.
    pub(crate) async fn refresh(&self) -> Result<(), TestCaseError> {
        let shown =
            |result: Result<(), FetchKeysError>| result.map_err(|error| format!("{error:?}"));
        prop_assert_eq!(
            shown(self.with_cache.refresh().await),
            shown(self.without_cache.refresh().await)
        );
        Ok(())
    }

    pub(crate) fn set_issuer(&self, issuer: &Issuer) {
        for verifier in [&self.with_cache, &self.without_cache] {
            verifier.set_issuers([issuer.clone()]).unwrap();
        }
    }

    /// Asserts that both give the same result, at once and after a fetch if needed, and returns it.
    pub(crate) async fn agreed_result(&self, jwt: &str) -> Result<Outcome, TestCaseError> {
        let uncached = authenticate(&self.without_cache, jwt);
        let decided = authenticate(&self.with_cache, jwt);
        if decided != uncached {
            // The token may just have expired; then both must reject it.
            prop_assert_eq!(decided, authenticate(&self.without_cache, jwt));
        }
        let uncached = verify(&self.without_cache, jwt).await;
        let cached = verify(&self.with_cache, jwt).await;
        if cached != uncached {
            let again = verify(&self.without_cache, jwt).await;
            // If the token expired between the two calls, only one of the verifiers has fetched its key.
            let differ = ["expired", "unknown_key_id"].map(Outcome::Rejected);
            if cached != again && differ.contains(&cached) && differ.contains(&again) {
                self.refresh().await?;
                let cached = verify(&self.with_cache, jwt).await;
                prop_assert_eq!(&cached, &verify(&self.without_cache, jwt).await);
                return Ok(cached);
            }
            prop_assert_eq!(&cached, &again);
        }
        Ok(cached)
    }
}
