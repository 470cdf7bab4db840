//! Key fetches and tokens of an issuer over a socket, where reqwest and hyper log too.

use std::time::Duration;

use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, TokenBuilder};
use serde_json::json;

// conformance 20, 44
#[test]
fn key_fetch_and_claims_show_no_secret() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let lines = secret_scan::logged(|| runtime.block_on(verify_and_fetch()));
    // Shows that the log of the network crates is scanned too.
    for target in ["okta_verifier", "hyper_util"] {
        assert!(
            lines.iter().any(|line| line.target.starts_with(target)),
            "{target} logs nothing: is its log scanned?"
        );
    }
}

async fn verify_and_fetch() {
    let okta = MockOkta::start().await;
    let verifier = Verifier::builder()
        .issuer(okta.issuer("api://default").any_client_id())
        .fetch_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    for token in tokens(&okta) {
        let line = format!("Bearer {}", token.sign());
        let credentials = RequestCredentials::new([line.as_bytes()]);
        secret_scan::verdict(&verifier.authenticate(&credentials).await);
    }
    for fault in [Fault::Status(500), Fault::Half] {
        okta.fault(Endpoint::Keys, fault);
        let failure = verifier.refresh().await;
        secret_scan::shown(format!("{failure:?} {:?}", verifier.health()));
    }
    secret_scan::shown(format!("{verifier:?}"));
}

/// Returns valid and invalid tokens with a long text in every place that accepts one.
fn tokens(okta: &MockOkta) -> Vec<TokenBuilder> {
    let full = || {
        okta.token("sub-5ecret-ada.lovelace@example.com")
            .client_id("cid-5ecret-0oa1234567890")
            .scope("scope:5ecret:orders:read:all")
            .group("group-5ecret-of-the-administrators")
            .claim("uid", "uid-5ecret-00u1234567890")
            .claim("jti", "jti-5ecret-AT.1234567890")
            .claim("acr", "acr-5ecret-1234567890")
            .claim("own", json!({"deep": ["own-5ecret-1234567890"]}))
            .header("own", "header-5ecret-1234567890")
    };
    vec![
        full(),
        full().expired(),
        full().not_before(33_000_000_000),
        full().tampered(),
        full().foreign_key(),
        full().unpublished_key(),
        full().key_id("kid-5ecret-1234567890"),
        full().unsigned(),
        full().hmac_with_public_key(),
        full().audience("aud-5ecret-1234567890"),
        full().claim("iss", "https://iss-5ecret-1234567890.test"),
        full().claim("exp", "exp-5ecret-1234567890"),
        full().claim("scp", json!(["scp-5ecret-1234567890", 1])),
        full().claim("cnf", json!({"jkt": "cnf-5ecret-1234567890"})),
        full().id_token(),
        full().typ("typ-5ecret-1234567890"),
        full().header("alg", "alg-5ecret-1234567890"),
        full().header("crit", ["crit-5ecret-1234567890"]),
        full().encrypted(),
        full().raw_payload(r#"{"raw-5ecret-1234567890": "#),
        full().raw_header(r#"{"alg":"RS256","raw-5ecret-1234567890"}"#),
        full().raw_payload(r#"["raw-5ecret-1234567890"]"#),
    ]
}
