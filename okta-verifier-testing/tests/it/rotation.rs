//! Key rotation of `MockOkta`: what is published, and what signs.

use okta_verifier::Algorithm;
use okta_verifier_testing::{MockOkta, Rotation};
use serde_json::Value;

use crate::http::{KEYS, get};
use crate::jose::{parts, verifies};

#[tokio::test]
async fn overlap_keeps_the_old_keys() {
    let okta = MockOkta::start().await;
    let old = okta.token("ada").sign();
    okta.rotate(Rotation::Overlap);
    let new = okta.token("ada").sign();
    assert_ne!(parts(&old).header["kid"], parts(&new).header["kid"]);
    assert!(verifies(&old, &okta.jwks()) && verifies(&new, &okta.jwks()));
    assert_eq!(okta.key_ids().len(), 8);
    assert_eq!(get(&okta, KEYS).await.body, okta.jwks().into_bytes());
}

#[tokio::test]
async fn hard_withdraws_the_old_keys() {
    let okta = MockOkta::start().await;
    let old = okta.token("ada").sign();
    okta.rotate(Rotation::Hard);
    assert!(!verifies(&old, &okta.jwks()));
    assert!(verifies(&okta.token("ada").sign(), &okta.jwks()));
    assert_eq!(okta.key_ids().len(), 4);
}

#[tokio::test]
async fn append_publishes_and_promote_signs() {
    let okta = MockOkta::start().await;
    let old = okta.token("ada").sign();
    okta.rotate(Rotation::Append);
    let published = okta.jwks();
    assert_eq!(okta.key_ids().len(), 8);
    assert_eq!(
        parts(&okta.token("ada").sign()).header["kid"],
        parts(&old).header["kid"]
    );
    okta.rotate(Rotation::Promote);
    let new = okta.token("ada").sign();
    assert_ne!(parts(&new).header["kid"], parts(&old).header["kid"]);
    assert!(verifies(&new, &published), "published before it signed");
    assert!(verifies(&old, &okta.jwks()));
}

#[tokio::test]
#[should_panic(expected = "no keys were appended")]
async fn promote_without_append_panics() {
    MockOkta::start().await.rotate(Rotation::Promote);
}

#[tokio::test]
async fn withdrawn_key_is_not_published() {
    let okta = MockOkta::start().await;
    let old = okta.token("ada").sign();
    okta.rotate(Rotation::Overlap);
    okta.withdraw(parts(&old).header["kid"].as_str().unwrap());
    assert!(!verifies(&old, &okta.jwks()));
    assert_eq!(okta.key_ids().len(), 7);
    okta.withdraw(&okta.key_ids()[0]);
    assert_eq!(
        parts(&okta.token("ada").sign()).header["alg"],
        "ES256",
        "the next signing key"
    );
}

#[tokio::test]
#[should_panic(expected = "`unknown` is not a published key")]
async fn withdrawing_an_unknown_key_panics() {
    MockOkta::start().await.withdraw("unknown");
}

#[tokio::test]
async fn rotation_has_new_key_material() {
    let okta = MockOkta::start().await;
    for _ in 0..3 {
        okta.rotate(Rotation::Overlap);
    }
    let set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let number = |key: &Value| [&key["n"], &key["x"]].map(Value::to_string).concat();
    let mut numbers: Vec<String> = set["keys"].as_array().unwrap().iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(
        numbers.len(),
        12,
        "an RSA pair, a P-256 and an Ed25519 one each time"
    );
    let es256 = okta.token("ada").algorithm(Algorithm::ES256).sign();
    assert!(verifies(&es256, &okta.jwks()));
}

#[tokio::test]
async fn token_begun_before_a_rotation_keeps_its_key() {
    let okta = MockOkta::start().await;
    let (begun, before) = (okta.token("ada"), okta.jwks());
    okta.rotate(Rotation::Hard);
    assert!(verifies(&begun.sign(), &before));
}
