//! `Verifier::from_env` with a real environment, which needs a separate process.

use std::{env, process::Command};

use okta_verifier::Verifier;

const CHILD: &str = "OKTA_VERIFIER_TEST_CHILD";

#[test]
fn env_of_the_process_is_read() {
    if env::var_os(CHILD).is_some() {
        match Verifier::from_env() {
            Ok(verifier) => println!("built {verifier:?}"),
            Err(error) => println!("failed {error}"),
        }
        return;
    }
    let none = child(&[]);
    assert!(none.contains("failed OKTA_ISSUER: it is not set"), "{none}");

    let issuer = "http://127.0.0.1:4011/oauth2/default";
    let complete = [
        ("OKTA_ISSUER", issuer),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    let built = child(&complete);
    assert!(
        built.contains("built Verifier") && built.contains(issuer),
        "{built}"
    );
}

fn child(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "env::env_of_the_process_is_read", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}
