//! A container image without CA certificates.

use std::{env, process::Command};

use okta_verifier::{ConfigError, Issuer, Verifier};
use okta_verifier_testing::TestIssuer;

/// The environment belongs to the process, so the test runs itself again without any certificates.
#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn ca_certificates_that_are_missing_are_named_in_the_error() {
    const CHILD: &str = "OKTA_VERIFIER_TEST_WITHOUT_ROOTS";
    if env::var_os(CHILD).is_none() {
        let name = "net::ca_certificates::ca_certificates_that_are_missing_are_named_in_the_error";
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", name])
            .env(CHILD, "1")
            .env("SSL_CERT_FILE", "/nowhere/ca.pem")
            .env("SSL_CERT_DIR", "/nowhere")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{output}");
        assert!(output.contains("1 passed"), "{output}");
        return;
    }

    let okta = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
    let error = Verifier::builder()
        .issuer(okta.any_client_id())
        .build()
        .unwrap_err();
    assert!(matches!(error, ConfigError::HttpClient { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("ca-certificates") && text.contains(".http_client_builder("),
        "{text}"
    );
    let why = std::error::Error::source(&error).expect("the client's error");
    assert!(format!("{why:?}").contains("No CA certificates"), "{why:?}");

    // Pinned keys and an issuer on loopback do not need CA certificates.
    let pinned = TestIssuer::new("api://default").issuer();
    let loopback = Issuer::okta("http://127.0.0.1:1/oauth2/default", "api://default");
    for issuer in [pinned, loopback] {
        let built = Verifier::builder().issuer(issuer.any_client_id()).build();
        assert!(built.is_ok(), "{built:?}");
    }
}
