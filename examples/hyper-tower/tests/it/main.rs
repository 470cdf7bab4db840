//! Tests of the example as a process: its printed lines work, and it trusts the configured issuer.

mod http2;

use example_support::process::{Example, fails};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hyper-tower");

fn start(okta: &MockOkta) -> Example {
    let settings = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", CLIENT_ID),
    ];
    Example::start(PROGRAM, &settings)
}

#[test]
fn printed_curl_lines_get_the_printed_status() {
    let statuses = Example::start(PROGRAM, &[]).run_printed_lines();
    for status in [200, 400, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let output = fails(PROGRAM, &[("PORT", "0"), ("OKTA_ISSUER", "")]);
    assert!(output.contains("OKTA_ISSUER"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_issuer_is_trusted() {
    let okta = MockOkta::start().await;
    let example = start(&okta);
    let reader = okta.token("ada").scope("orders:read").sign();
    assert_eq!(example.call("/orders", &reader), 200);
    assert_eq!(example.call("/orders", &okta.token("ada").sign()), 403);
    let expired = okta.token("ada").expired().sign();
    assert_eq!(example.call("/orders", &expired), 401);
    assert_eq!(okta.hits().keys, 1, "all connections share the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn example_starts_without_its_issuer_and_responds_503() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    let example = start(&okta);
    assert_eq!(example.call("/health", "unread"), 200);
    assert_eq!(example.call("/me", &okta.token("ada").sign()), 503);
}
