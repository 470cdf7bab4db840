//! Revocation rules, as requests and connections see them.

mod connection;
mod introspection;
mod login;
mod rule;
mod shared_log;
mod stream;

use std::time::{SystemTime, UNIX_EPOCH};

use okta_verifier::{
    Issuer, Rejection, VerifiedToken, Verifier,
    adapter::RequestCredentials,
    revocation::{Revocations, Rule, SubjectClaim},
};
use okta_verifier_testing::{TestIssuer, TokenBuilder};

use crate::support::mock_issuer::result_code as code;

/// Returns revocations that expect a restart to forget them.
fn revocations() -> Revocations {
    Revocations::builder()
        .session_claim("sid")
        .forgets_at_restart()
        .build()
        .unwrap()
}

/// Returns a verifier, and the handle that revokes tokens of it.
fn verifier(issuer: Issuer) -> (Verifier, Revocations) {
    let revocations = revocations();
    let builder = Verifier::builder().issuer(issuer);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    (verifier, revocations)
}

fn pinned(okta: &TestIssuer) -> (Verifier, Revocations) {
    verifier(okta.issuer().any_client_id())
}

/// Returns the rule about the user `ada`.
fn ada(url: &str) -> Rule {
    Rule::subject(url, SubjectClaim::Subject, "ada")
}

/// Returns a token of this user that was issued before any rule of a test.
fn old(okta: &TestIssuer, subject: &str) -> TokenBuilder {
    okta.token(subject).issued_at(unix() - 20)
}

async fn send(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, Rejection> {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    verifier.authenticate(&credentials).await
}

fn unix() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}
