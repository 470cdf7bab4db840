//! Tests of the example as a process: its printed lines work, and it reports wrong settings.

mod live;

use std::net::TcpListener;

use example_support::process::{self, Example};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quickstart");

fn fails(settings: &[(&str, &str)]) -> String {
    process::fails(PROGRAM, settings)
}

#[test]
fn printed_curl_lines_get_the_printed_status() {
    let statuses = Example::start(PROGRAM, &[]).run_printed_lines();
    for status in [200, 400, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
    assert!(statuses.len() >= 10, "{statuses:?}");
}

#[test]
fn taken_port_is_an_error_not_a_panic() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = fails(&[("PORT", &port)]);
    assert!(
        output.contains(&format!("port {port} on 127.0.0.1 is taken")),
        "{output}"
    );
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let output = fails(&[("PORT", "http")]);
    assert!(
        output.contains("PORT must be a number from 0 to 65535"),
        "{output}"
    );

    let output = fails(&[
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com/oauth2/default"),
    ]);
    assert!(output.contains("OKTA_AUDIENCE"), "{output}");

    let output = fails(&[("PORT", "0"), ("OKTA_ISSUER", "")]);
    assert!(output.contains("OKTA_ISSUER"), "{output}");

    let org_server = [
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com"),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    let output = fails(&org_server);
    assert!(output.contains("/oauth2/"), "{output}");
}
