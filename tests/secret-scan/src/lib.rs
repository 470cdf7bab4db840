//! `use secret_scan as _;` in a test program: everything that any crate of it logs, at TRACE, is searched
//! for 16 bytes in a row of any token, proof, claim value or secret that the tests made so far.
//!
//! It begins before `main`, so that no test has to ask for it, and ends the process at the first
//! find: a panic could be lost in the task that logs.

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

pub use log::{Line, logged};
pub use verdict::{error, verdict};
use words::Words;

/// What was presented or set, as it is written and as it is read: nobody may show it from here on.
pub fn secret(bytes: impl AsRef<[u8]>) {
    let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
    words.secret(bytes.as_ref());
}

/// What tokens hold and anybody may know.
pub fn public(text: &str) {
    let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
    words.public(text);
}

/// What is given away: an error's text, a `Debug` output, a field line, a body.
pub fn shown(text: impl AsRef<[u8]>) {
    search("the tests are shown", text.as_ref());
}

fn search(who: impl Display, text: &[u8]) {
    let words = WORDS.read().unwrap_or_else(PoisonError::into_inner);
    let Some(seen) = words.seen_in(text) else {
        return;
    };
    let thread = thread::current();
    let test = thread.name().unwrap_or("a thread without a name");
    let seen = String::from_utf8_lossy(&seen);
    // Neither `eprintln`, which the test harness may swallow, nor a panic, which a task may.
    let _ = writeln!(
        std::io::stderr(),
        "\na secret is shown in {test}: {who}: {seen}"
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
    // Of 16 characters or more, but known to everybody. The last one is in the `iss` of a made-up token,
    // and in the URL of each server whose port happens to end so.
    for word in [
        "application/at+jwt",
        "application/json",
        "443/oauth2/default",
    ] {
        public(word);
    }
}
