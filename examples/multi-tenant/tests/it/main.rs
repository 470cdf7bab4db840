//! Tests of the example as a process: its printed lines work, and it reports wrong settings.

use example_support::process::{Example, fails};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_multi-tenant");

#[test]
fn printed_curl_lines_get_the_printed_status() {
    let statuses = Example::start(PROGRAM, &[]).run_printed_lines();
    for status in [200, 204, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
    assert!(statuses.len() >= 14, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_tenants_are_trusted() {
    let [staff, acme, globex] = [
        MockOkta::start().await,
        MockOkta::start().await,
        MockOkta::start().await,
    ];
    let tenants = format!("acme={} globex={}", acme.issuer_url(), globex.issuer_url());
    let settings = [
        ("TENANTS", tenants.as_str()),
        ("STAFF_ISSUER", staff.issuer_url()),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_ID", CLIENT_ID),
        ("OKTA_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let example = Example::start(PROGRAM, &settings);
    for (okta, status) in [(&acme, 200), (&globex, 200), (&staff, 401)] {
        let jwt = okta.token("ada").scope("orders:read").sign();
        assert_eq!(example.call("/orders", &jwt), status);
    }
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let output = fails(PROGRAM, &[("PORT", "0"), ("TENANTS", "acme")]);
    assert!(output.contains("not name=issuer"), "{output}");
    let output = fails(PROGRAM, &[("PORT", "0"), ("TENANTS", "")]);
    assert!(output.contains("STAFF_ISSUER"), "{output}");
    let org_server = [
        ("PORT", "0"),
        ("TENANTS", "acme=https://acme.okta.com"),
        ("STAFF_ISSUER", "https://staff.okta.com/oauth2/default"),
        ("OKTA_AUDIENCE", "api://orders"),
        ("OKTA_CLIENT_ID", "0oa1"),
        ("OKTA_CLIENT_SECRET", "secret"),
    ];
    let output = fails(PROGRAM, &org_server);
    assert!(output.contains("/oauth2/"), "{output}");
}
