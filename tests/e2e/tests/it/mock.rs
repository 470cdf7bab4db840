//! `okta-verifier mock` with a client library of another language, without a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use okta_verifier::{Issuer, Verifier};
use serde_json::Value;

use crate::process::{Process, program};

struct Mock {
    issuer: String,
    _process: Process,
}

impl Mock {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(program("okta-verifier"));
        command
            .args(["mock", "--port", "0", "--public-client"])
            .args(arguments);
        let (process, issuer) = Process::start("mock", &mut command, |line| {
            line.starts_with("http").then(|| line.to_owned())
        });
        Self {
            issuer,
            _process: process,
        }
    }

    /// Returns what `as/login.mjs` prints, or `None` if it fails.
    fn login(&self, user: &str, authority: Option<&Path>) -> Option<Value> {
        let mut command = Command::new("node");
        command
            .args(["login.mjs", &self.issuer, user])
            .current_dir("as")
            .stdin(Stdio::null());
        if let Some(path) = authority {
            command.env("NODE_EXTRA_CA_CERTS", path);
        }
        let output = command.output().expect("node is installed");
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).expect("one line of JSON"))
    }
}

/// Verifies the tokens as a service does.
async fn assert_accepted(mock: &Mock, authority: Option<&Path>, tokens: &Value) {
    let issuer = Issuer::okta(&mock.issuer, "api://default").client_id("0oatest");
    let mut builder = Verifier::builder().issuer(issuer);
    if let Some(path) = authority {
        builder = builder.ca_certificates(fs::read(path).expect("the mock has written it"));
    }
    let verifier = builder.build().expect("the settings are valid");
    for name in ["access", "refreshed"] {
        let token = tokens[name].as_str().expect("a token");
        let token = verifier.verify(token).await.expect("the token is valid");
        assert!(token.subject() == "ada" && token.has_scope("orders:read"));
    }
}

#[tokio::test]
async fn mock_login_with_a_client_of_another_language_is_accepted() {
    let mock = Mock::start(&[]);
    assert!(mock.login("mallory", None).is_none(), "the user is unknown");
    let tokens = mock.login("ada", None).expect("the login succeeds");
    assert_accepted(&mock, None, &tokens).await;
}

#[tokio::test]
async fn mock_login_over_https_needs_the_ca_file() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mock-ca.pem");
    let path = file.to_str().expect("UTF-8");
    let mock = Mock::start(&["--tls", "--ca-file", path]);
    assert!(mock.issuer.starts_with("https://"));
    assert!(
        mock.login("ada", None).is_none(),
        "the authority is unknown"
    );
    let tokens = mock.login("ada", Some(&file)).expect("the login succeeds");
    assert_accepted(&mock, Some(&file), &tokens).await;
}
