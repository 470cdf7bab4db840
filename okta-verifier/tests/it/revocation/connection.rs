//! Connections that outlive the request, and end when their token is revoked.

use std::{pin::pin, time::Duration};

use okta_verifier::VoidReason;
use tokio::time::timeout;

use super::*;

// conformance 288
#[tokio::test]
async fn connection_ends_when_a_rule_matches_its_token() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let accepted =
        async |subject: &str| verifier.verify(&okta.token(subject).sign()).await.unwrap();
    let (ada_token, bob_token) = (accepted("ada").await, accepted("bob").await);
    let mut of_ada = pin!(verifier.until_void(&ada_token));
    let mut of_bob = pin!(verifier.until_void(&bob_token));
    let moment = Duration::from_millis(20);
    assert!(timeout(moment, &mut of_ada).await.is_err());
    assert!(timeout(moment, &mut of_bob).await.is_err());

    // A rule about another token wakes both, and ends neither.
    revocations
        .revoke(Rule::token(okta.issuer_url(), "another"))
        .await
        .unwrap();
    assert!(timeout(moment, &mut of_ada).await.is_err());

    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    let limit = Duration::from_secs(10);
    assert_eq!(timeout(limit, of_ada).await, Ok(VoidReason::Revoked));
    assert!(timeout(moment, of_bob).await.is_err());
    // The token is void from now on.
    assert_eq!(verifier.until_void(&ada_token).await, VoidReason::Revoked);
    assert_eq!(VoidReason::Revoked.code(), "revoked");
}

#[tokio::test]
async fn connection_that_is_polled_for_the_first_time_after_the_rule_ends_at_once() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let token = verifier.verify(&okta.token("ada").sign()).await.unwrap();
    let void = verifier.until_void(&token);
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    assert_eq!(void.await, VoidReason::Revoked);
}
