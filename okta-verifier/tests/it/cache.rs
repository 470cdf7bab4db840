//! A token that was verified before gets the verdict that it would get anew.

use std::time::{Duration, Instant};

use okta_verifier::Verifier;
use okta_verifier_testing::{MockOkta, Rotation, TestIssuer};

async fn verdict(verifier: &Verifier, jwt: &str) -> Result<String, &'static str> {
    match verifier.verify(jwt).await {
        Ok(token) => Ok(token.subject().to_owned()),
        Err(error) => Err(error.code()),
    }
}

// conformance 149, 151
#[tokio::test]
async fn a_withdrawn_key_takes_its_remembered_tokens_with_it() {
    let okta = MockOkta::start().await;
    let issuer = okta.issuer("api://default").any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let old = okta.token("ada").sign();
    for _ in 0..2 {
        assert_eq!(verdict(&verifier, &old).await, Ok("ada".to_owned()));
    }
    okta.rotate(Rotation::Hard);
    let new = okta.token("bob").sign();
    assert_eq!(verdict(&verifier, &new).await, Ok("bob".to_owned()));
    for _ in 0..2 {
        assert_eq!(verdict(&verifier, &old).await, Err("unknown_key_id"));
    }
}

// conformance 114
#[tokio::test]
async fn no_part_of_a_token_stands_for_the_whole() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let ada = okta.token("ada").claim("jti", "AT.1").sign();
    let eve = okta.token("eve").claim("jti", "AT.1").sign();
    assert_eq!(verdict(&verifier, &ada).await, Ok("ada".to_owned()));
    assert_eq!(verdict(&verifier, &eve).await, Ok("eve".to_owned()));
    // Parts of two remembered tokens, in every other combination.
    let parts = |jwt: &str| jwt.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, e) = (parts(&ada), parts(&eve));
    for mixed in [[&a[0], &a[1], &e[2]], [&a[0], &e[1], &a[2]]] {
        let [header, payload, signature] = mixed;
        let jwt = format!("{header}.{payload}.{signature}");
        assert_eq!(verdict(&verifier, &jwt).await, Err("bad_signature"));
    }
}

#[tokio::test]
async fn junk_is_not_remembered_and_pushes_nothing_out() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .token_cache_capacity(1)
        .build()
        .unwrap();
    let good = okta.token("ada").sign();
    let forged = okta.token("ada").tampered().sign();
    for _ in 0..100 {
        assert_eq!(verdict(&verifier, &good).await, Ok("ada".to_owned()));
        assert_eq!(verdict(&verifier, &forged).await, Err("bad_signature"));
    }
}

#[tokio::test]
async fn each_verifier_judges_for_its_own_audience_and_without_a_cache_alike() {
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
        assert_eq!(verdict(&with, jwt).await, verdict(&without, jwt).await);
    }
}

// conformance 151
#[tokio::test]
async fn a_remembered_token_is_refused_once_it_expires() {
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
    let refused = loop {
        match verdict(&verifier, &jwt).await {
            Ok(_) => served += 1,
            Err(code) => break code,
        }
        assert!(
            began.elapsed() < Duration::from_secs(4),
            "served past its end"
        );
    };
    assert!(served > 1, "remembered meanwhile");
    assert_eq!(refused, "expired");
    assert_eq!(verdict(&verifier, &jwt).await, Err("expired"));
}
