//! Questions to the issuer: they hold a token, and the secret of who asks.

use std::time::Duration;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use okta_verifier::{Introspect, Introspection, Presented, Verifier};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

use crate::{shown, watch, words::Words};

const SECRET: &str = "client-5ecret-0123456789abcdef";

// conformance 20, 44, 115
#[tokio::test]
async fn no_question_to_the_issuer_shows_a_secret() {
    watch::begin();
    let pem = pem();
    for introspection in [
        Introspection::new(CLIENT_ID, SECRET),
        Introspection::new(CLIENT_ID, SECRET).client_secret_post(),
        Introspection::new(CLIENT_ID, "wrong-5ecret-0123456789abcdef"),
        Introspection::private_key_jwt(CLIENT_ID, Some("2026"), pem.clone()),
    ] {
        let mut words = Words::default();
        words.secret(SECRET);
        words.secret("wrong-5ecret-0123456789abcdef");
        words.secret(STANDARD.encode(format!("{CLIENT_ID}:{SECRET}")));
        words.secret(STANDARD.encode(format!("{CLIENT_ID}:wrong-5ecret-0123456789abcdef")));
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .for_each(|line| words.secret(line));
        let shown = ask(introspection.introspect(Introspect::Always), &mut words).await;
        words.assert_unseen_in(&shown);
        words.assert_unseen_in(&watch::lines());
    }
}

/// Tokens of both forms, before an issuer in all its moods.
async fn ask(introspection: Introspection, words: &mut Words) -> String {
    let okta = MockOkta::start().await;
    okta.set_client(CLIENT_ID, SECRET);
    words.public(okta.issuer_url());
    words.public("api://default");
    okta.key_ids().iter().for_each(|kid| words.public(kid));

    let mut shown = format!("{introspection:?} {introspection:#?}");
    let issuer = okta
        .issuer("api://default")
        .any_client_id()
        .introspection(introspection);
    shown.push_str(&format!("{issuer:?} {issuer:#?}"));
    let builder = Verifier::builder()
        .issuer(issuer)
        .fetch_timeout(Duration::from_secs(10));
    shown.push_str(&format!("{builder:?} {builder:#?}"));
    let verifier = builder.build().unwrap();
    for fault in [
        None,
        Some(Fault::Status(500)),
        Some(Fault::Half),
        Some(Fault::Drop),
    ] {
        if let Some(fault) = fault {
            okta.fault(Endpoint::Introspection, fault);
        }
        let subject = "sub-5ecret-ada.lovelace@example.com";
        for token in [okta.token(subject), okta.opaque_token(subject)] {
            let jwt = token.client_id("cid-5ecret-0oa1234567890").sign();
            words.token(&jwt);
            words.secret(subject);
            words.secret("cid-5ecret-0oa1234567890");
            let line = format!("Bearer {jwt}");
            let verdict = verifier
                .authenticate(&Presented::new([line.as_bytes()]))
                .await;
            shown.push_str(&shown::verdict(&verdict));
        }
        shown.push_str(&format!("{verifier:?} {:?}", verifier.health()));
    }
    shown
}

fn pem() -> String {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(key.unwrap().as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----")
}
