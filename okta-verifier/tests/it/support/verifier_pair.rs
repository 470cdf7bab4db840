//! Two verifiers of one issuer, one that remembers tokens and one that does not.

use std::time::SystemTime;

use okta_verifier::{
    FetchKeysError, Issuer, SubjectKind, VerifiedToken, Verifier, adapter::RequestCredentials,
};
use proptest::prelude::*;
use serde_json::Value;

/// Everything that a caller can read from a result.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Accepted(Box<Seen>),
    Rejected(&'static str),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    names: [Option<String>; 5],
    subject_kind: SubjectKind,
    dates: [Option<SystemTime>; 3],
    scopes: Vec<String>,
    groups: Vec<String>,
    claims: Value,
}

impl From<&VerifiedToken> for Seen {
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
        Ok(token) => Outcome::Accepted(Box::new(Seen::from(&token))),
        Err(error) => Outcome::Rejected(error.code()),
    }
}

/// `None`: it would have to fetch first.
fn decide(verifier: &Verifier, jwt: &str) -> Option<Outcome> {
    let authorization = format!("Bearer {jwt}");
    let decision = verifier
        .authenticate(&RequestCredentials::new([authorization.as_bytes()]))
        .into_ready()
        .ok()?;
    secret_scan::verdict(&decision);
    Some(match decision {
        Ok(token) => Outcome::Accepted(Box::new(Seen::from(&token))),
        Err(rejection) => Outcome::Rejected(rejection.error().unwrap().code()),
    })
}

/// The two, over one issuer: they see the same tokens in the same order.
pub(crate) struct Pair {
    forgetful: Verifier,
    remembering: Verifier,
}

impl Pair {
    pub(crate) fn new(build: impl Fn(u64) -> Verifier) -> Self {
        Self {
            forgetful: build(0),
            remembering: build(100),
        }
    }

    /// Both fetch their keys anew.
    pub(crate) async fn refresh(&self) -> Result<(), TestCaseError> {
        let shown =
            |result: Result<(), FetchKeysError>| result.map_err(|error| format!("{error:?}"));
        prop_assert_eq!(
            shown(self.remembering.refresh().await),
            shown(self.forgetful.refresh().await)
        );
        Ok(())
    }

    pub(crate) fn set_issuer(&self, issuer: &Issuer) {
        for verifier in [&self.remembering, &self.forgetful] {
            verifier.set_issuers([issuer.clone()]).unwrap();
        }
    }

    /// What both say of `jwt`: at once, and after a fetch where one is needed.
    pub(crate) async fn agree(&self, jwt: &str) -> Result<Outcome, TestCaseError> {
        let anew = decide(&self.forgetful, jwt);
        let decided = decide(&self.remembering, jwt);
        if decided != anew {
            // The token may just have ended; then it has for both.
            prop_assert_eq!(decided, decide(&self.forgetful, jwt));
        }
        let anew = verify(&self.forgetful, jwt).await;
        let remembered = verify(&self.remembering, jwt).await;
        if remembered != anew {
            prop_assert_eq!(&remembered, &verify(&self.forgetful, jwt).await);
        }
        Ok(remembered)
    }
}
