//! The token cache: a cached token gets the same result as an uncached one.

mod equivalence;

use std::time::{Duration, Instant};

use okta_verifier::Verifier;
use okta_verifier_testing::{MockOkta, Rotation, TestIssuer};

async fn subject_or_code(verifier: &Verifier, jwt: &str) -> Result<String, &'static str> {
    match verifier.verify(jwt).await {
        Ok(token) => Ok(token.subject().to_owned()),
        Err(error) => Err(error.code()),
    }
}

// conformance 149, 151
#[tokio::test]
async fn token_cache_rejects_tokens_of_a_withdrawn_key() {
    let okta = MockOkta::start().await;
    let issuer = okta.issuer("api://default").any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let old = okta.token("ada").sign();
    for _ in 0..2 {
        assert_eq!(subject_or_code(&verifier, &old).await, Ok("ada".to_owned()));
    }
    okta.rotate(Rotation::Hard);
    let new = okta.token("bob").sign();
    assert_eq!(subject_or_code(&verifier, &new).await, Ok("bob".to_owned()));
    for _ in 0..2 {
        assert_eq!(
            subject_or_code(&verifier, &old).await,
            Err("unknown_key_id")
        );
    }
}

// conformance 114
#[tokio::test]
async fn token_cache_does_not_accept_a_part_of_a_cached_token() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let ada = okta.token("ada").claim("jti", "AT.1").sign();
    let eve = okta.token("eve").claim("jti", "AT.1").sign();
    assert_eq!(subject_or_code(&verifier, &ada).await, Ok("ada".to_owned()));
    assert_eq!(subject_or_code(&verifier, &eve).await, Ok("eve".to_owned()));
    // Parts of two cached tokens, in other combinations.
    let parts = |jwt: &str| jwt.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, e) = (parts(&ada), parts(&eve));
    for mixed in [[&a[0], &a[1], &e[2]], [&a[0], &e[1], &a[2]]] {
        let [header, payload, signature] = mixed;
        let jwt = format!("{header}.{payload}.{signature}");
        assert_eq!(subject_or_code(&verifier, &jwt).await, Err("bad_signature"));
    }
}

#[tokio::test]
async fn token_cache_is_unaffected_by_invalid_tokens() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .token_cache_capacity(1)
        .build()
        .unwrap();
    let valid = okta.token("ada").sign();
    let forged = okta.token("ada").tampered().sign();
    for _ in 0..100 {
        assert_eq!(
            subject_or_code(&verifier, &valid).await,
            Ok("ada".to_owned())
        );
        assert_eq!(
            subject_or_code(&verifier, &forged).await,
            Err("bad_signature")
        );
    }
}

#[tokio::test]
async fn token_cache_of_capacity_zero_gives_the_same_results() {
    let okta = TestIssuer::new("api://orders");
    let build = |tokens| {
        Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .token_cache_capacity(tokens)
            .build()
            .unwrap()
    };
    let tokens = [
        okta.token("ada").sign(),
        okta.token("ada").expired().sign(),
        okta.token("ada").audience("api://other").sign(),
        okta.token("ada").unpublished_key().sign(),
        "a.b.c".to_owned(),
        "x".repeat(20_000),
    ];
    let (with, without) = (build(10), build(0));
    for jwt in tokens.iter().chain(&tokens) {
        assert_eq!(
            subject_or_code(&with, jwt).await,
            subject_or_code(&without, jwt).await
        );
    }
}

// conformance 151
#[tokio::test]
async fn token_cache_rejects_a_token_once_it_expires() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id().leeway(Duration::ZERO))
        .build()
        .unwrap();
    let jwt = okta
        .token("ada")
        .issued_at(1_000)
        .expires_in(Duration::from_secs(2))
        .sign();
    let began = Instant::now();
    let mut served = 0;
    let rejected = loop {
        match subject_or_code(&verifier, &jwt).await {
            Ok(_) => served += 1,
            Err(code) => break code,
        }
        assert!(
            began.elapsed() < Duration::from_secs(4),
            "accepted after it expired"
        );
    };
    assert!(served > 1, "accepted from the cache");
    assert_eq!(rejected, "expired");
    assert_eq!(subject_or_code(&verifier, &jwt).await, Err("expired"));
}
