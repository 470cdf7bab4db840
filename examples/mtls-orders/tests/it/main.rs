//! Tests of the example as a process, with both frameworks.

use std::fs;

use example_support::process::{Example, fails};
use reqwest::{Certificate, Identity, blocking::Client};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mtls-orders");

// conformance 182, 183, 184, 185
#[test]
fn printed_curl_lines_get_the_printed_status() {
    for framework in ["axum", "actix"] {
        let example = Example::start(PROGRAM, &[("FRAMEWORK", framework)]);
        let expectations: Vec<_> = example.expectations().collect();
        assert_eq!(expectations.len(), 6, "{framework}");
        for (expected, line) in expectations {
            assert_eq!(curl(line), expected, "{framework}: {line}");
        }
    }
}

/// The client keeps its connection open, and every request on it has the connection's certificate.
// conformance 184
#[test]
fn requests_of_a_connection_have_its_certificate() {
    for framework in ["axum", "actix"] {
        let example = Example::start(PROGRAM, &[("FRAMEWORK", framework)]);
        let (_, line) = example.expectations().next().expect("a line");
        let request = Request::parse(line);
        let client = request.client();
        for _ in 0..3 {
            let response = request.send(&client);
            assert_eq!(response.status().as_u16(), 200, "{framework}");
        }
    }
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let settings = [
        ("PORT", "0"),
        ("OKTA_ISSUER", "https://acme.okta.com/oauth2/default"),
        ("OKTA_AUDIENCE", "api://orders"),
        ("TLS_CERTIFICATE", "/nowhere/server.pem"),
    ];
    let output = fails(PROGRAM, &settings);
    assert!(
        output.contains("TLS_CERTIFICATE: /nowhere/server.pem"),
        "{output}"
    );
}

fn curl(line: &str) -> u16 {
    let request = Request::parse(line);
    request.send(&request.client()).status().as_u16()
}

/// A request in the subset of `curl` that the printed lines use:
/// `curl -i --cacert FILE [--cert FILE] -H 'Authorization: ...' https://...`.
struct Request<'a> {
    root: &'a str,
    certificate: Option<&'a str>,
    authorization: &'a str,
    url: &'a str,
}

impl<'a> Request<'a> {
    fn parse(line: &'a str) -> Self {
        let rest = line.strip_prefix("curl -i --cacert ").expect("a curl line");
        let (root, rest) = rest.split_once(' ').expect("a file");
        let (certificate, rest) = match rest.strip_prefix("--cert ") {
            Some(rest) => rest.split_once(' ').map(|(file, rest)| (Some(file), rest)),
            None => Some((None, rest)),
        }
        .expect("a file");
        let rest = rest.strip_prefix("-H 'Authorization: ").expect("a header");
        let (authorization, url) = rest.split_once("' ").expect("a closing quote");
        Self {
            root,
            certificate,
            authorization,
            url,
        }
    }

    fn client(&self) -> Client {
        let read = |path: &str| fs::read(path).expect("the example has written the file");
        let root = Certificate::from_pem(&read(self.root)).expect("a certificate");
        let builder = Client::builder().tls_certs_only([root]).no_proxy();
        let builder = match self.certificate {
            Some(path) => {
                let identity = Identity::from_pem(&read(path))
                    .expect("the file has a certificate and its key");
                builder.identity(identity)
            }
            None => builder,
        };
        builder.build().expect("a client")
    }

    fn send(&self, client: &Client) -> reqwest::blocking::Response {
        let request = client
            .get(self.url)
            .header("authorization", self.authorization);
        request.send().expect("an answer")
    }
}
