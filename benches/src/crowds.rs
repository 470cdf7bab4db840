//! Verifiers with many keys and with many issuers.

use okta_verifier::{Algorithm, Verifier};
use okta_verifier_testing::TestIssuer;
use serde_json::{Value, json};

use crate::{tokens::ordinary, verifiers::verifier};

/// The maximum number of keys in a key set.
pub const MAX_KEYS: usize = 100;

/// Returns a verifier whose issuer publishes `count` keys, and tokens of the first and the last one.
///
/// # Panics
///
/// Panics if `count` is 0.
#[must_use]
pub fn keys(count: usize, token_cache_capacity: u64) -> (Verifier, [String; 2]) {
    let signers = [(); 2].map(|()| TestIssuer::new("api://default").algorithms([Algorithm::RS256]));
    let others = TestIssuer::new("api://default").algorithms([Algorithm::ES256; MAX_KEYS]);
    let entries = |okta: &TestIssuer| -> Vec<Value> {
        let mut set: Value = serde_json::from_str(&okta.jwks()).expect("a key set");
        serde_json::from_value(set["keys"].take()).expect("an array")
    };
    let mut set = entries(&signers[0]);
    set.extend(entries(&others).into_iter().take(count.saturating_sub(2)));
    let last = if count > 1 { &signers[1] } else { &signers[0] };
    if count > 1 {
        set.extend(entries(last));
    }
    assert_eq!(set.len(), count);
    let issuer = signers[0].issuer().keys(json!({ "keys": set }).to_string());
    let tokens = [&signers[0], last].map(|okta| ordinary(okta).sign());
    (
        verifier(issuer.any_client_id(), token_cache_capacity),
        tokens,
    )
}

/// Returns a verifier of `count` issuers, and tokens of the first and the last one.
///
/// # Panics
///
/// Panics if `count` is 0.
#[must_use]
pub fn issuers(count: usize, token_cache_capacity: u64) -> (Verifier, [String; 2]) {
    let okta = TestIssuer::new("api://default");
    let tenants: Vec<_> = (0..count)
        .map(|number| {
            okta.clone()
                .at(format!("https://okta.test/oauth2/tenant{number:03}"))
        })
        .collect();
    let builder = tenants.iter().fold(Verifier::builder(), |builder, tenant| {
        builder.issuer(tenant.issuer().any_client_id())
    });
    let verifier = builder.token_cache_capacity(token_cache_capacity).build();
    let tokens = [tenants.first(), tenants.last()].map(|okta| ordinary(okta.expect("one")).sign());
    (verifier.expect("good settings"), tokens)
}
