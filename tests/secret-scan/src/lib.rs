//! With `use secret_scan as _;` in a test program, every log line of any crate, at TRACE, is searched for 16
//! consecutive bytes of any token, proof, claim value or secret that the tests made so far.
//!
//! The search starts before `main`, so no test has to enable it, and it ends the process at the first
//! finding, because a panic could be lost in the task that logs.

mod log;
mod verdict;
mod words;

use std::{
    fmt::Display,
    io::Write,
    process, str,
    sync::{PoisonError, RwLock},
    thread,
};

pub use log::{Line, assert_rejection_event, logged};
pub use verdict::{error, verdict};
use words::Words;

/// Registers a secret that was presented or configured, encoded or decoded. It must not appear anywhere.
pub fn secret(bytes: impl AsRef<[u8]>) {
    let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
    words.secret(bytes.as_ref());
}

/// Registers public contents of tokens, which may appear.
pub fn public(text: &str) {
    let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
    words.public(text);
}

/// Searches output: an error's text, `Debug` output, a field line, a body.
pub fn shown(text: impl AsRef<[u8]>) {
    search("output of a test", text.as_ref());
}

fn search(source: impl Display, text: &[u8]) {
    let words = WORDS.read().unwrap_or_else(PoisonError::into_inner);
    let Some(seen) = words.seen_in(text) else {
        return;
    };
    let thread = thread::current();
    let test = thread.name().unwrap_or("an unnamed thread");
    let seen = String::from_utf8_lossy(&seen);
    // Not `eprintln`, which the test harness may capture, and not a panic, which a task may catch.
    let _ = writeln!(
        std::io::stderr(),
        "\na secret is shown in {test}: {source}: {seen}"
    );
    process::abort();
}

static WORDS: RwLock<Words> = RwLock::new(Words::new());

struct Testing;

impl okta_verifier_testing::Listener for Testing {
    fn secret(&self, bytes: &[u8]) {
        secret(bytes);
    }

    fn public(&self, text: &str) {
        public(text);
    }

    fn shown(&self, bytes: &[u8]) {
        shown(bytes);
    }
}

#[ctor::ctor]
fn begin() {
    okta_verifier_testing::listen(&Testing);
    log::begin();
    // Public texts of 16 characters or more. The last but one is in the URL of each mock's metadata, and in the
    // audience of each client assertion. The last one is in the `iss` of a made-up token, and in the URL of each
    // server whose port ends in these digits.
    for word in [
        "application/at+jwt",
        "application/json",
        "/oauth2/default/",
        "443/oauth2/default",
    ] {
        public(word);
    }
}
