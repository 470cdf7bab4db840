//! The example as a process: what it prints is true, and it trusts the issuer that it is told to.

use std::net::TcpListener;

use example_support::process::{Example, fails};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_actix-orders");

fn beside(okta: &MockOkta) -> Example {
    let settings = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", CLIENT_ID),
    ];
    Example::start(PROGRAM, &settings)
}

#[test]
fn every_printed_curl_line_gets_the_printed_answer() {
    let statuses = Example::start(PROGRAM, &[]).try_what_it_printed();
    for status in [200, 400, 401, 403] {
        assert!(statuses.contains(&status), "no line shows a {status}");
    }
}

#[test]
fn a_taken_port_is_said_and_not_a_panic() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = fails(PROGRAM, &[("PORT", &port)]);
    let expected = format!("port {port} on 127.0.0.1 is taken");
    assert!(said.contains(&expected), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_trusts_the_issuer_of_the_environment() {
    let okta = MockOkta::start().await;
    let example = beside(&okta);
    let reader = okta.token("ada").scope("orders:read").sign();
    assert_eq!(example.ask("/orders", &reader), 200);
    assert_eq!(example.ask("/orders", &okta.token("ada").sign()), 403);
    let expired = okta.token("ada").expired().sign();
    assert_eq!(example.ask("/orders", &expired), 401);
    assert_eq!(okta.hits().keys, 1, "all workers share the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_while_the_issuer_is_down_and_answers_503() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    let example = beside(&okta);
    assert_eq!(example.ask("/health", "unread"), 200);
    assert_eq!(example.ask("/me", &okta.token("ada").sign()), 503);
}
