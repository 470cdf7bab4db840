//! A server process that ends with the test program, and bounded waits.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// The time to become ready on a machine under other load.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// Starts the program and ends it when the end of its input shows that the test program has ended, also by a panic or a
/// signal. Statics are not dropped, so `Drop` would not end a server that all tests share.
const GUARD: &str = r#"
    "$@" </dev/null &
    exec >/dev/null 2>&1
    server=$!
    cat
    kill -s TERM "$server"
    wait "$server""#;

/// A server that ends when this value is dropped, or with the test program.
pub(crate) struct Process {
    name: &'static str,
    started: Instant,
    guard: Child,
    input: Option<ChildStdin>,
}

impl Process {
    /// Starts a program with environment variables, and waits for the line of its output that `ready` parses. The
    /// output goes to the file `NAME.log` in the directory of the servers.
    pub(crate) fn start<T>(
        name: &'static str,
        program: &Path,
        arguments: &[impl AsRef<OsStr>],
        variables: &[(&str, &str)],
        ready: impl Fn(&str) -> Option<T>,
    ) -> (Self, T) {
        let path = servers().join(name).with_extension("log");
        let log = || File::options().append(true).open(&path).expect("the log");
        File::create(&path).expect("the log is created");
        let started = Instant::now();
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh is started");
        let (sender, lines) = mpsc::channel();
        follow(guard.stdout.take().expect("piped"), log(), sender.clone());
        follow(guard.stderr.take().expect("piped"), log(), sender);
        let input = guard.stdin.take();
        let process = Self {
            name,
            started,
            guard,
            input,
        }; // from here on a panic ends the server

        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|error| {
                panic!("{name} is not ready: {error}; see {}", path.display())
            });
            if let Some(found) = ready(&line) {
                return (process, found);
            }
        }
    }

    /// Prints how long it took until the server was ready, also if the test harness captures the output of tests.
    pub(crate) fn report_ready(&self) {
        let seconds = self.started.elapsed().as_secs();
        let _ = writeln!(io::stderr(), "{} was ready after {seconds} s", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.guard.wait();
    }
}

fn follow(output: impl Read + Send + 'static, mut log: File, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = writeln!(log, "{line}");
            let _ = lines.send(line); // the receiver is dropped once the server is ready
        }
    });
}

/// Returns the directory into which `ci/live` puts the servers.
pub(crate) fn servers() -> PathBuf {
    std::env::var_os("LIVE_SERVERS")
        .expect("LIVE_SERVERS is set: run ci/live, which fetches and builds the servers")
        .into()
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
