//! Tokens that were made to confuse whoever reads the explanation, or to make it expensive.

use okta_verifier::{Verifier, explain::Explanation};
use okta_verifier_testing::TestIssuer;
use serde_json::json;

use super::{assert_without_token, check, failed, texts};

async fn explain(token: &str) -> Explanation {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    verifier.explain(token).await
}

#[tokio::test]
async fn explanation_of_garbage_says_what_is_wrong_with_its_form() {
    for (token, code) in [
        ("", "malformed"),
        ("undefined", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c", "malformed"),
        ("a.b.c.d.e", "encrypted"),
        ("..", "malformed"),
        ("\u{1b}[2J\u{202e}", "malformed"),
        ("e30.e30.e30", "malformed"),
    ] {
        let explanation = explain(token).await;
        assert_eq!(explanation.codes().next(), Some(code), "{token:?}");
        assert!(texts(explanation).len() < 8_192);
    }
}

#[tokio::test]
async fn explanation_of_a_megabyte_is_short() {
    let okta = TestIssuer::new("api://orders");
    let token = okta.token("ada").claim("x", "y".repeat(1_000_000)).sign();
    let explanation = explain(&token).await;
    let (expected, found) = failed(&explanation, "form");
    assert!(expected.contains("16384 bytes"), "{expected}");
    assert_eq!(found, format!("{} bytes", token.len()));
    assert!(texts(explanation).len() < 8_192);
    // The largest token that a setting accepts is explained in full.
    let token = okta.token("ada").claim("x", "y".repeat(45_000)).sign();
    let verifier = Verifier::builder()
        .max_token_size(65_536)
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let explanation = verifier.explain(&token).await;
    assert!(explanation.verdict().is_ok());
    assert!(texts(explanation).len() < 8_192);
}

#[tokio::test]
async fn explanation_of_deep_json_is_a_rejection() {
    let okta = TestIssuer::new("api://orders");
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let payload = format!(r#"{{"sub":"ada","x":{deep}}}"#);
    let token = okta.token("ada").raw_payload(payload).sign();
    let explanation = explain(&token).await;
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["malformed"]);
    assert_eq!(check(&explanation, "claims").code(), Some("malformed"));
    assert_eq!(explanation.unverified_claims().count(), 0);
}

#[tokio::test]
async fn explanation_of_thousands_of_audiences_and_claims_is_short() {
    let okta = TestIssuer::new("api://orders");
    let aud: Vec<String> = (0..900).map(|number| format!("api://{number}")).collect();
    let token = okta.token("ada").claim("aud", aud).sign();
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let explanation = verifier.explain(&token).await;
    let (_, found) = failed(&explanation, "audience");
    assert_eq!(found, "api://0, api://1, api://2, and 897 more");

    let token = (0..300).fold(okta.token("ada"), |token, number| {
        token.claim(&format!("c{number}"), number)
    });
    let explanation = verifier.explain(&token.sign()).await;
    assert_eq!(explanation.unverified_claims().count(), 32);
    assert!(explanation.unverified_claims_left_out() > 270);
    assert!(texts(explanation).len() < 16_384);
}

#[tokio::test]
async fn explanation_escapes_each_claim_and_each_header_parameter() {
    let okta = TestIssuer::new("api://orders");
    let evil = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{e0041}\r\nok    verdict";
    let verifier = Verifier::builder()
        .issuer(okta.issuer().client_id("0oaweb"))
        .build()
        .unwrap();
    let with = |name: &str| okta.token("ada").claim(name, evil);
    let tokens = [
        with("iss"),
        with("aud"),
        with("cid"),
        with("sub"),
        with("jti"),
        with("scp"),
        with("acr"),
        with("cnf"),
        with(evil),
        okta.token("ada")
            .claim("aud", json!([evil, evil, evil, evil])),
        okta.token("ada").header("kid", evil),
        okta.token("ada").header("typ", evil),
        okta.token("ada").header("alg", evil),
    ];
    for token in tokens {
        let token = token.sign();
        let explanation = verifier.explain(&token).await;
        let codes: Vec<_> = explanation.codes().collect();
        let texts = texts(explanation);
        let strange =
            |character: &char| !matches!(character, '\n' | '…' | ' '..='~' | '\u{c0}'..='\u{24f}');
        assert_eq!(texts.chars().find(strange), None, "{codes:?}");
        assert!(!texts.contains("\nok "), "{codes:?}");
    }
}

#[tokio::test]
async fn explanation_never_repeats_a_part_of_the_token_that_a_claim_contains() {
    let okta = TestIssuer::new("api://orders");
    let sample = okta.token("ada").sign();
    let header = sample.split('.').next().unwrap();
    for name in ["iss", "aud", "cid", "sub", "x"] {
        let token = okta.token("ada").claim(name, header).sign();
        assert!(token.starts_with(header));
        assert_without_token(explain(&token).await, &token);
    }
}

#[tokio::test]
async fn explanation_of_a_hostile_issuer_escapes_what_it_sends() {
    use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    let okta = MockOkta::start().await;
    let verifier = Verifier::builder()
        .issuer(okta.issuer("api://default").any_client_id())
        .build()
        .unwrap();
    let token = okta.token("ada").sign();
    // The URL is quoted in the error.
    let target = format!("https://evil.example/{}?{token}", "é".repeat(2_000));
    okta.fault(Endpoint::Keys, Fault::Redirect(target));
    let explanation = verifier.explain(&token).await;
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["unavailable"]);
    assert!(failed(&explanation, "key").1.len() <= 512 + "…".len());
    assert_without_token(explanation, &token);
}
