//! Mutual TLS (RFC 8705): the real server binds tokens to client certificates, and the example
//! verifies them over its own TLS, on both frameworks.

use std::fs;
use std::process::Command;

use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{Certificate, Identity};
use serde_json::Value;

use crate::process::{Process, program};
use crate::server::{AUDIENCE, AuthorizationServer, access_token, decode};
use crate::tls::certificates;

// conformance 182, 183, 184, 185
#[test]
fn bound_tokens_on_axum() {
    bound_tokens("axum");
}

// conformance 182, 183, 184, 185
#[test]
fn bound_tokens_on_actix() {
    bound_tokens("actix");
}

fn bound_tokens(framework: &str) {
    let server = AuthorizationServer::start_with(&[("TLS", certificates())]);
    let file = |name: &str| format!("{}/{name}", certificates());
    let mut command = Command::new(program("mtls-orders"));
    command
        .env("PORT", "0")
        .env("FRAMEWORK", framework)
        .env("OKTA_ISSUER", server.issuer())
        .env("OKTA_AUDIENCE", AUDIENCE)
        .env("TLS_CERTIFICATE", file("server.crt"))
        .env("TLS_KEY", file("server.key"))
        .env("TLS_CLIENT_ROOTS", file("ca.crt"))
        .env("SSL_CERT_FILE", file("ca.crt"));
    let (_process, base) = Process::start("mtls-orders", &mut command, |line| {
        Some(line.split_once("listening on ")?.1.trim().to_owned())
    });
    let [mine, other, none] = [Some("client"), Some("other"), None].map(client);

    let jwt = bound(&server, &mine);
    assert!(decode(&jwt).1["cnf"]["x5t#S256"].is_string());
    let call = |client: &Client, jwt: &str| {
        let request = client.get(format!("{base}/orders"));
        let answer = send(request.bearer_auth(jwt));
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map(|line| line.to_str().expect("ASCII").to_owned());
        (answer.status().as_u16(), challenge.unwrap_or_default())
    };
    for _ in 0..2 {
        assert_eq!(call(&mine, &jwt).0, 200, "cached or not");
        for (what, client) in [("another certificate", &other), ("no certificate", &none)] {
            let (status, challenge) = call(client, &jwt);
            assert_eq!(status, 401, "{framework}: {what}");
            assert!(
                challenge.contains(r#"error="invalid_token""#),
                "{challenge}"
            );
        }
    }
    let of_the_other = bound(&server, &other);
    assert_eq!(call(&mine, &of_the_other).0, 401);
    assert_eq!(call(&other, &of_the_other).0, 200);
    let unbound = server.token("orders:read");
    assert_eq!(call(&none, &unbound).0, 200);
}

/// Returns a token that the real server binds to the client's certificate.
fn bound(server: &AuthorizationServer, client: &Client) -> String {
    let request = client.post(format!("{}/v1/token", server.issuer()));
    let request = request.basic_auth("0oamtls", Some("secretm-secretm-secretm"));
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "orders:read"),
    ];
    let text = send(request.form(&form)).text().expect("text");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    access_token(&answer)
}

fn send(request: RequestBuilder) -> reqwest::blocking::Response {
    request.send().expect("an answer")
}

/// Returns a client that trusts the authority of the tests only, with one of its certificates.
fn client(name: Option<&str>) -> Client {
    let read =
        |name: &str| fs::read(format!("{}/{name}", certificates())).expect("the file exists");
    let root = Certificate::from_pem(&read("ca.crt")).expect("a certificate");
    let builder = Client::builder().tls_certs_only([root]).no_proxy();
    let builder = match name {
        Some(name) => {
            let pem = [read(&format!("{name}.crt")), read(&format!("{name}.key"))].concat();
            builder
                .identity(Identity::from_pem(&pem).expect("the file has a certificate and its key"))
        }
        None => builder,
    };
    builder.build().expect("a client")
}
