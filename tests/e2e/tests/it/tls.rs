//! An https issuer and the certificates that the API trusts.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::api::Api;
use crate::server::{AuthorizationServer, DEFAULT};

// conformance 21, 130
#[test]
fn certificates_are_checked() {
    let server = AuthorizationServer::start_with(&[("TLS", certificates())]);
    assert!(server.issuer().starts_with("https://"));
    let token = server.token("read");

    let stranger = Api::of(&server);
    stranger
        .get("/me", &token)
        .is_unavailable("an unknown authority");
    assert_eq!(server.take_hits("discovery"), 0, "the handshake fails");

    let authority = format!("{}/ca.crt", certificates());
    let api = Api::with(&server, &[("SSL_CERT_FILE", &authority)]);
    api.get("/me", &token).is_accepted("a known authority");
}

// conformance 130
#[test]
fn old_tls_is_rejected() {
    let settings = [("TLS", certificates()), ("TLS_MAX", "TLSv1.1")];
    let server = AuthorizationServer::start_with(&settings);
    let authority = format!("{}/ca.crt", certificates());
    let api = Api::with(&server, &[("SSL_CERT_FILE", &authority)]);
    api.get("/me", &server.token("read"))
        .is_unavailable("TLS 1.1");
    assert_eq!(server.take_hits("discovery"), 0, "the handshake fails");
}

// conformance 87, 129: not even for the same host
#[test]
fn https_metadata_with_an_http_jwks_uri_is_rejected() {
    let server = AuthorizationServer::start_with(&[("TLS", certificates())]);
    let token = server.token("read");
    let keys = server.url(&format!("{DEFAULT}/v1/keys"));
    assert!(keys.starts_with("http://"));
    let metadata = json!({ "issuer": server.issuer(), "jwks_uri": keys });
    server.fault("discovery", &format!("body:{metadata}"));

    let authority = format!("{}/ca.crt", certificates());
    let api = Api::with(&server, &[("SSL_CERT_FILE", &authority)]);
    server.take_hits("keys");
    api.get("/me", &token).is_unavailable("keys without TLS");
    assert_eq!(server.take_hits("keys"), 0);
}

/// Returns a directory with a test authority and the server's certificate.
pub(crate) fn certificates() -> &'static str {
    const DIRECTORY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/certificates");
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = Command::new("sh")
            .args(["as/make-certs.sh", DIRECTORY])
            .stderr(Stdio::null())
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "as/make-certs.sh failed; install openssl"
        );
    });
    DIRECTORY
}
