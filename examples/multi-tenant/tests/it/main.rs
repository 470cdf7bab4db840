//! The example as a process: what it prints is true, and what is wrong with its settings it says.

use example_support::process::{Example, fails};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_multi-tenant");

#[test]
fn every_printed_curl_line_gets_the_printed_answer() {
    let statuses = Example::start(PROGRAM, &[]).try_what_it_printed();
    for status in [200, 204, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
    assert!(statuses.len() >= 14, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_trusts_the_tenants_of_the_environment() {
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
        assert_eq!(example.ask("/orders", &jwt), status);
    }
}

#[test]
fn wrong_settings_are_said_and_not_a_panic() {
    let said = fails(PROGRAM, &[("PORT", "0"), ("TENANTS", "acme")]);
    assert!(said.contains("not name=issuer"), "{said}");
    let said = fails(PROGRAM, &[("PORT", "0"), ("TENANTS", "")]);
    assert!(said.contains("STAFF_ISSUER"), "{said}");
    let org_server = [
        ("PORT", "0"),
        ("TENANTS", "acme=https://acme.okta.com"),
        ("STAFF_ISSUER", "https://staff.okta.com/oauth2/default"),
        ("OKTA_AUDIENCE", "api://orders"),
        ("OKTA_CLIENT_ID", "0oa1"),
        ("OKTA_CLIENT_SECRET", "secret"),
    ];
    let said = fails(PROGRAM, &org_server);
    assert!(said.contains("/oauth2/"), "{said}");
}
