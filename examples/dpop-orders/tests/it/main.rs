//! The example as a process: what it prints is true, under both frameworks.

use example_support::process::{Example, fails};
use okta_verifier_testing::{Client, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dpop-orders");

// conformance 152, 158, 160, 165, 167, 168, 169, 170
#[test]
fn every_printed_curl_line_gets_the_printed_answer() {
    for framework in ["axum", "actix"] {
        let example = Example::start(PROGRAM, &[("FRAMEWORK", framework)]);
        let statuses = example.try_what_it_printed();
        assert_eq!(statuses.len(), 10, "{framework}");
        for status in [200, 401] {
            assert!(statuses.contains(&status), "{framework}: {status}");
        }
    }
}

// conformance 164, 173, 174
#[tokio::test(flavor = "multi_thread")]
async fn with_nonces() {
    let okta = MockOkta::start().await;
    for framework in ["axum", "actix"] {
        let settings = [
            ("FRAMEWORK", framework),
            ("OKTA_ISSUER", okta.issuer_url()),
            ("OKTA_AUDIENCE", "api://default"),
            ("NONCES", "1"),
        ];
        let example = Example::start(PROGRAM, &settings);
        let client = Client::new();
        let jwt = client.bind(okta.token("ada").scope("orders:read")).sign();
        let url = format!("{}/orders", example.address());
        let ask = |nonce: Option<&str>| {
            let proof = client.proof("GET", &url).token(&jwt);
            let proof = nonce
                .map_or(proof.clone(), |nonce| proof.nonce(nonce))
                .sign();
            let (authorization, dpop) = (
                format!("Authorization: DPoP {jwt}"),
                format!("DPoP: {proof}"),
            );
            example.answer("/orders", &[&authorization, &dpop])
        };
        let demanded = ask(None);
        assert_eq!(demanded.status, 401, "{framework}");
        let challenges: Vec<&str> = demanded.fields("www-authenticate").collect();
        let demand = challenges.iter().find(|it| it.starts_with("DPoP "));
        assert!(
            demand.is_some_and(|it| it.contains(r#"error="use_dpop_nonce""#)),
            "{challenges:?}"
        );
        let nonce = demanded.field("dpop-nonce").expect("a nonce");
        assert_eq!(ask(Some("another")).status, 401, "{framework}");
        let served = ask(Some(nonce));
        assert_eq!(served.status, 200, "{framework}");
        assert!(served.field("dpop-nonce").is_some(), "for the next request");
        assert_eq!(ask(None).status, 401, "once demanded it cannot be left out");
    }
}

#[test]
fn wrong_settings_are_said_and_not_a_panic() {
    let said = fails(PROGRAM, &[("PORT", "0"), ("FRAMEWORK", "rocket")]);
    assert!(said.contains("FRAMEWORK must be axum or actix"), "{said}");
    let settings = [
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com/oauth2/default"),
    ];
    let said = fails(PROGRAM, &settings);
    assert!(said.contains("OKTA_AUDIENCE"), "{said}");
}
