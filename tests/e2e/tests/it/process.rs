//! A child process that ends with its test, and bounded waits.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The time to become ready on a machine under other load.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `command` and waits for the line of its output that `ready` parses.
    pub(crate) fn start<T>(
        name: &'static str,
        command: &mut Command,
        ready: impl Fn(&str) -> Option<T>,
    ) -> (Self, T) {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}: {command:?}"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, lines) = mpsc::channel();
        follow(child.stdout.take().expect("piped"), &log, sender.clone());
        follow(child.stderr.take().expect("piped"), &log, sender);

        let process = Self { name, child, log }; // from here on a panic kills the child
        let found = first(&lines, ready);
        let Some(found) = found else {
            panic!("{name} ended or was not ready within {LIMIT:?}")
        };
        (process, found)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self
                .log
                .lock()
                .map(|log| log.join("\n"))
                .unwrap_or_default();
            eprintln!("---- log of {} ----\n{log}", self.name);
        }
    }
}

fn follow(
    output: impl Read + Send + 'static,
    log: &Arc<Mutex<Vec<String>>>,
    lines: Sender<String>,
) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.lock()
                .expect("no panic while logging")
                .push(line.clone());
            let _ = lines.send(line); // the receiver is dropped once the process is ready
        }
    });
}

fn first<T>(lines: &Receiver<String>, ready: impl Fn(&str) -> Option<T>) -> Option<T> {
    let end = Instant::now() + LIMIT;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).ok()?;
        if let Some(found) = ready(&line) {
            return Some(found);
        }
    }
}

/// Returns the path of the example `name`, in the target directory of this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path"); // TARGET/debug/deps/it-...
    let debug = test.parent().and_then(|deps| deps.parent());
    let program = debug
        .expect("a target directory")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is missing; run ci/e2e, which builds it",
        program.display()
    );
    program
}

/// Calls `attempt` every 100 ms until it returns a value. Panics after `limit`.
pub(crate) fn within<T>(limit: Duration, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = attempt() {
            return answer;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
