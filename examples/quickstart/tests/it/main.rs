//! The example as a process: what it prints is true, and what is wrong with its settings it says.

mod live;

use std::net::TcpListener;

use example_support::process::{self, Example};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quickstart");

fn fails(settings: &[(&str, &str)]) -> String {
    process::fails(PROGRAM, settings)
}

#[test]
fn every_printed_curl_line_gets_the_printed_answer() {
    let statuses = Example::start(PROGRAM, &[]).try_what_it_printed();
    for status in [200, 400, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
    assert!(statuses.len() >= 10, "{statuses:?}");
}

#[test]
fn a_taken_port_is_said_and_not_a_panic() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = fails(&[("PORT", &port)]);
    assert!(
        said.contains(&format!("port {port} on 127.0.0.1 is taken")),
        "{said}"
    );
}

#[test]
fn wrong_settings_are_said_and_not_a_panic() {
    let said = fails(&[("PORT", "http")]);
    assert!(
        said.contains("PORT must be a number from 0 to 65535"),
        "{said}"
    );

    let said = fails(&[
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com/oauth2/default"),
    ]);
    assert!(said.contains("OKTA_AUDIENCE"), "{said}");

    let said = fails(&[("PORT", "0"), ("OKTA_ISSUER", "")]);
    assert!(said.contains("OKTA_ISSUER"), "{said}");

    let org_server = [
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com"),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    let said = fails(&org_server);
    assert!(said.contains("/oauth2/"), "{said}");
}
