//! Allocations of one verification. This is a separate program because its allocator counts for the
//! measuring thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use okta_verifier::{
    Algorithm, OwnedPolicy, Policy, VerifiedToken, Verifier, VerifyError,
    adapter::RequestCredentials, revocation::Revocations,
};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use secret_scan as _;

/// Returns an access token of a user as Okta issues it: RS256, 12 claims, about 950 bytes.
fn typical_token(okta: &TestIssuer) -> TokenBuilder {
    okta.token("ada.lovelace@example.com")
        .client_id("0oa2hl2inow5Uqc6c357")
        .scope("openid")
        .scope("profile")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("Engineering")
        .group("orders-admin")
}

fn verifier(okta: &TestIssuer, token_cache_capacity: u64) -> Verifier {
    Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .token_cache_capacity(token_cache_capacity)
        .build()
        .unwrap()
}

/// Calls `Verifier::verify` without a runtime: with pinned keys, the result is ready at once.
fn verify(verifier: &Verifier, jwt: &str) -> Result<VerifiedToken, VerifyError> {
    match pin!(verifier.verify(jwt)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("verification with pinned keys needs no I/O"),
    }
}

fn accepts(verifier: &Verifier, authorization: &str) -> bool {
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    verifier
        .authenticate(&credentials)
        .into_ready()
        .unwrap()
        .is_ok()
}

#[test]
fn test_token_has_the_size_of_an_okta_token() {
    let okta = TestIssuer::new("api://default");
    let jwt = typical_token(&okta).sign();
    assert!((900..1_000).contains(&jwt.len()), "{} bytes", jwt.len());
    let token = verify(&verifier(&okta, 0), &jwt).unwrap();
    let claims: serde_json::Value = token.claims().unwrap();
    assert_eq!(claims.as_object().unwrap().len(), 12);
}

#[test]
fn cached_token_allocates_nothing() {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 10_000);
    let tokens: Vec<_> = (0..100)
        .map(|number| {
            typical_token(&okta)
                .claim("jti", format!("AT.{number}"))
                .sign()
        })
        .collect();
    let lines: Vec<_> = tokens.iter().map(|jwt| format!("Bearer {jwt}")).collect();
    // Repeated, because the cache does its housekeeping in later calls.
    for _ in 0..50 {
        assert!(tokens.iter().all(|jwt| verify(&verifier, jwt).is_ok()));
    }
    let through_verify = measure(|| {
        for jwt in tokens.iter().cycle().take(1_000) {
            assert!(verify(&verifier, jwt).is_ok());
        }
    });
    assert_eq!(through_verify.count_total, 0, "in 1,000 calls of verify");
    let through_authenticate = measure(|| {
        for line in lines.iter().cycle().take(1_000) {
            assert!(accepts(&verifier, line));
        }
    });
    assert_eq!(
        through_authenticate.count_total, 0,
        "in 1,000 calls of authenticate"
    );
}

// conformance 304
#[test]
fn cached_token_takes_at_most_1_400_bytes_with_revocation_rules() {
    const TOKENS: i64 = 10_000;
    let okta = TestIssuer::new("api://default").algorithms([Algorithm::EdDSA]); // signs fast
    let revocations = Revocations::builder().forgets_at_restart();
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .revocations(revocations.build().unwrap())
        .build()
        .unwrap();
    // As long as an RS256 token, whose signature is longer, as in the benchmark of this figure.
    let typical = typical_token(&okta).claim("department", "x".repeat(192));
    let token = |number| typical.clone().claim("jti", format!("AT.{number}"));
    let tokens: Vec<_> = (0..TOKENS).map(|number| token(number).sign()).collect();
    let kept = measure(|| {
        // Repeated, because the cache does its housekeeping in later calls.
        for jwt in tokens.iter().chain(&tokens) {
            assert!(verify(&verifier, jwt).is_ok());
        }
    });
    let each = kept.bytes_current / TOKENS;
    println!("{each} bytes per cached token");
    assert!((1_000..=1_400).contains(&each), "{each}");
}

#[test]
fn policy_that_is_met_allocates_nothing() {
    const WRITE: Policy = Policy::all(&[
        Policy::scope("orders:write"),
        Policy::any(&[Policy::scope("x"), Policy::user()]),
    ]);
    let okta = TestIssuer::new("api://default");
    let token = verify(&verifier(&okta, 0), &typical_token(&okta).sign()).unwrap();
    let text = r#"{ "all": [{ "scope": "orders:write" }, { "any": [{ "scope": "x" }, { "user": true }] }] }"#;
    let data: OwnedPolicy = serde_json::from_str(text).unwrap();
    assert_eq!(format!("{data:?}"), format!("{WRITE:?}"));
    let met = measure(|| {
        assert!(token.require(WRITE).is_ok());
        assert!(token.require(&OwnedPolicy::from(WRITE)).is_ok());
        assert!(token.require(&data.clone()).is_ok());
        assert!(data.admit(Some(&token), None).is_ok());
    });
    assert_eq!(met.count_total, 0);
}

#[test]
fn wait_for_the_end_of_a_token_allocates_nothing() {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 0);
    let token = verify(&verifier, &typical_token(&okta).sign()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let wait_and_drop = || {
        let void = pin!(verifier.until_void(&token));
        void.poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    };
    assert!(wait_and_drop());
    let counts = measure(|| assert!((0..1_000).all(|_| wait_and_drop())));
    assert_eq!(counts.count_total, 0);
}

#[test]
fn invalid_tokens_do_not_evict_cached_tokens() {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 1);
    let valid = typical_token(&okta).sign();
    for _ in 0..2 {
        assert!(verify(&verifier, &valid).is_ok());
    }
    let valid_elsewhere = typical_token(&okta).audience("api://other");
    for number in 0..1_000 {
        let invalid = match number % 5 {
            0 => format!("{}{number}", &valid[..valid.len() - 4]), // a shared prefix
            1 => valid.replacen("ey", &format!("{number}"), 1),    // a shared signature
            2 => "x".repeat(16 * 1024),
            3 => valid_elsewhere.clone().claim("jti", number).sign(),
            _ => typical_token(&okta).claim("jti", number).expired().sign(),
        };
        assert!(verify(&verifier, &invalid).is_err());
    }
    let hit = measure(|| assert!(verify(&verifier, &valid).is_ok()));
    assert_eq!(hit.count_total, 0, "the valid token is still cached");
}

#[test]
fn uncached_token_allocates_at_most_eighteen_times() {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 0);
    let jwt = typical_token(&okta).sign();
    let line = format!("Bearer {jwt}");
    assert!(accepts(&verifier, &line));
    let through_authenticate = measure(|| assert!(accepts(&verifier, &line))).count_total;
    let through_verify = measure(|| assert!(verify(&verifier, &jwt).is_ok())).count_total;
    println!("authenticate {through_authenticate}, verify {through_verify}");
    assert!(through_authenticate <= 18, "{through_authenticate}");
    assert!(through_verify <= 18, "{through_verify}");
}

#[test]
fn token_cache_of_capacity_zero_caches_nothing() {
    let okta = TestIssuer::new("api://default");
    let verifier = verifier(&okta, 0);
    let jwt = typical_token(&okta).sign();
    for _ in 0..3 {
        let uncached = measure(|| assert!(verify(&verifier, &jwt).is_ok()));
        assert!(uncached.count_total > 0);
    }
}
