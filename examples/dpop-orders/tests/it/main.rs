//! Tests of the example as a process, with both frameworks.

use example_support::process::{Example, fails};
use okta_verifier_testing::{Client, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dpop-orders");

// conformance 152, 158, 160, 165, 167, 168, 169, 170
#[test]
fn printed_curl_lines_get_the_printed_status() {
    for framework in ["axum", "actix"] {
        let example = Example::start(PROGRAM, &[("FRAMEWORK", framework)]);
        let statuses = example.run_printed_lines();
        assert_eq!(statuses.len(), 10, "{framework}");
        for status in [200, 401] {
            assert!(statuses.contains(&status), "{framework}: {status}");
        }
    }
}

// conformance 164, 173, 174
#[tokio::test(flavor = "multi_thread")]
async fn dpop_nonce_is_required_if_configured() {
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
        let call = |nonce: Option<&str>| {
            let proof = client.proof("GET", &url).token(&jwt);
            let proof = nonce
                .map_or(proof.clone(), |nonce| proof.nonce(nonce))
                .sign();
            let (authorization, dpop) = (
                format!("Authorization: DPoP {jwt}"),
                format!("DPoP: {proof}"),
            );
            example.response("/orders", &[&authorization, &dpop])
        };
        let rejected = call(None);
        assert_eq!(rejected.status, 401, "{framework}");
        let challenges: Vec<&str> = rejected.fields("www-authenticate").collect();
        let challenge = challenges.iter().find(|it| it.starts_with("DPoP "));
        assert!(
            challenge.is_some_and(|it| it.contains(r#"error="use_dpop_nonce""#)),
            "{challenges:?}"
        );
        let nonce = rejected.field("dpop-nonce").expect("a nonce");
        assert_eq!(call(Some("another")).status, 401, "{framework}");
        let served = call(Some(nonce));
        assert_eq!(served.status, 200, "{framework}");
        assert!(served.field("dpop-nonce").is_some(), "for the next request");
        assert_eq!(call(None).status, 401, "a required nonce cannot be omitted");
    }
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let output = fails(PROGRAM, &[("PORT", "0"), ("FRAMEWORK", "rocket")]);
    assert!(
        output.contains("FRAMEWORK must be axum or actix"),
        "{output}"
    );
    let settings = [
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com/oauth2/default"),
    ];
    let output = fails(PROGRAM, &settings);
    assert!(output.contains("OKTA_AUDIENCE"), "{output}");
}
