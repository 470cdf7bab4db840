//! Tests of the example as two processes, the server and its client.

use std::process::{Command, Output};

use example_support::process::{Example, fails};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_grpc-orders");

fn start(okta: &MockOkta) -> Example {
    let settings = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", CLIENT_ID),
    ];
    Example::start(PROGRAM, &settings)
}

/// Runs `grpc-orders client ...`. Returns its exit code, which its first line must repeat, and its output.
fn client(arguments: &[&str]) -> (i32, String) {
    let output = run(arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let code = output.status.code().expect("the client has an exit code");
    assert!(
        text.starts_with(&format!("grpc-status: {code}\n")),
        "{text}"
    );
    (code, text)
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    let output = command.arg("client").args(arguments).output();
    output.expect("a process")
}

#[test]
fn printed_commands_get_the_printed_status() {
    let example = Example::start(PROGRAM, &[]);
    let mut codes = Vec::new();
    for (expected, line) in example.expectations() {
        let arguments = line.strip_prefix("cargo run -q -p grpc-orders -- client ");
        let arguments: Vec<&str> = arguments.expect(line).split(' ').collect();
        assert_eq!(client(&arguments).0, i32::from(expected), "{line}");
        codes.push(expected);
    }
    for code in [0, 7, 16] {
        assert!(codes.contains(&code), "no line shows a {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_issuer_is_trusted() {
    let okta = MockOkta::start().await;
    let example = start(&okta);
    let url = example.address();
    let printed = format!("client {url} orders $TOKEN");
    let promised = |line: &String| line.ends_with(&printed);
    assert!(example.printed().iter().any(promised), "{printed}");

    let reader = okta.token("ada").scope("orders:read").sign();
    let (code, output) = client(&[url, "orders", &reader]);
    assert_eq!((code, output.contains("the orders of ada")), (0, true));
    let other = okta.token("ada").sign();
    let (code, output) = client(&[url, "orders", &other]);
    assert_eq!(code, 7);
    assert!(
        output.contains("\nwww-authenticate: Bearer realm="),
        "{output}"
    );
    let expired = okta.token("ada").expired().sign();
    assert_eq!(client(&[url, "orders", &expired]).0, 16);
    assert_eq!(okta.hits().keys, 1, "all connections share the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn example_starts_without_its_issuer_and_responds_14() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    let example = start(&okta);
    assert_eq!(client(&[example.address(), "health"]).0, 0);
    let jwt = okta.token("ada").sign();
    let (code, output) = client(&[example.address(), "me", &jwt]);
    assert_eq!(code, 14);
    assert!(output.contains("\nretry-after: "), "{output}");
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let output = fails(PROGRAM, &[("PORT", "0"), ("OKTA_ISSUER", "")]);
    assert!(output.contains("OKTA_ISSUER"), "{output}");
}

#[test]
fn wrong_arguments_are_an_error_not_a_panic() {
    for arguments in [
        &[][..],
        &["http://127.0.0.1:1"],
        &["http://127.0.0.1:1", "delete"],
    ] {
        let output = run(arguments);
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(text.starts_with("usage: "), "{arguments:?}: {text}");
        assert_eq!(output.status.code(), Some(1));
    }
    assert_eq!(client(&["no URL", "me"]).0, 3);
    assert_eq!(client(&["http://127.0.0.1:1", "me", "a\nb"]).0, 3);
    // No server listens there.
    assert_eq!(client(&["http://127.0.0.1:1", "me"]).0, 14);
}
