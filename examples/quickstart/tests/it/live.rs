//! The example with `OKTA_ISSUER` set, next to an authorization server that it did not start.

use example_support::process::Example;
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

use crate::PROGRAM;

/// The audience of `MockOkta`'s tokens.
const AUDIENCE: &str = "api://default";

fn start(okta: &MockOkta) -> Example {
    let settings = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", AUDIENCE),
        ("OKTA_CLIENT_IDS", CLIENT_ID),
    ];
    Example::start(PROGRAM, &settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_issuer_is_trusted_and_its_token_endpoint_printed() {
    let okta = MockOkta::start().await;
    let quickstart = start(&okta);

    let token_endpoint = format!(" {}/v1/token", okta.issuer_url());
    assert!(
        quickstart
            .printed()
            .iter()
            .any(|line| line.ends_with(&token_endpoint))
    );
    assert_eq!(
        quickstart.call("/orders", &okta.token("ada").scope("orders:read").sign()),
        200
    );
    assert_eq!(quickstart.call("/orders", &okta.token("ada").sign()), 403);
    assert_eq!(
        quickstart.call("/orders", &okta.token("ada").expired().sign()),
        401
    );
    assert_eq!(
        quickstart.call("/me", &okta.token("ada").client_id("0oastranger").sign()),
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn example_starts_without_its_issuer_and_responds_503() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    let quickstart = start(&okta);

    assert_eq!(quickstart.call("/health", "unread"), 200);
    assert_eq!(quickstart.call("/me", &okta.token("ada").sign()), 503);
}
