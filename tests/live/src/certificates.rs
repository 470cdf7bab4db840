//! The authority of the tests, a server certificate for 127.0.0.1 and two client certificates.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::process::servers;

/// Returns the path of a file that `make-certs.sh` of the end-to-end tests creates, such as `ca.crt`.
pub fn path(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = servers().join("certificates");
        let made = Command::new("sh")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../e2e/as/make-certs.sh"
            ))
            .arg(&directory)
            .stderr(Stdio::null())
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "make-certs.sh failed; install openssl"
        );
        directory
    });
    directory.join(name)
}

/// Returns the contents of such a file.
pub fn pem(name: &str) -> Vec<u8> {
    fs::read(path(name)).expect("the file exists")
}

/// Returns a certificate in DER.
pub fn der(name: &str) -> Vec<u8> {
    let pem = String::from_utf8(pem(name)).expect("ASCII");
    let lines: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    STANDARD.decode(lines).expect("base64")
}
