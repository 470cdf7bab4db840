//! MCP clients as processes.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rust_client;

/// The time for the whole run of a client on a machine under other load.
const LIMIT: Duration = Duration::from_secs(120);

/// Where the test sends a user back to.
pub const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// A client of another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `@modelcontextprotocol/sdk`
    FirstGeneration,
    /// `@modelcontextprotocol/client`
    SecondGeneration,
    /// `@modelcontextprotocol/client` with DPoP
    SecondGenerationDpop,
    /// The Python package `mcp`
    Python,
    /// The crate `rmcp`, in this process
    Rust,
}

impl Program {
    /// The clients whose whole way is tested without DPoP.
    pub const ALL: [Self; 4] = [
        Self::FirstGeneration,
        Self::SecondGeneration,
        Self::Python,
        Self::Rust,
    ];

    fn command(self, url: &str) -> Command {
        let directory = directory();
        let node = |script: &str| {
            let mut command = Command::new("node");
            command.arg(script);
            command
        };
        let mut command = match self {
            Self::FirstGeneration => node("first-generation.mjs"),
            Self::SecondGeneration | Self::SecondGenerationDpop => node("second-generation.mjs"),
            Self::Python => {
                let mut command = Command::new(python());
                command.arg("python-sdk.py");
                command
            }
            Self::Rust => unreachable!("the Rust client runs in the process of the test"),
        };
        command.current_dir(directory).arg(url);
        if self == Self::SecondGenerationDpop {
            command.arg("dpop");
        }
        // A proxy of the environment is not for loopback.
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        command
    }

    /// Runs the client against the server at `url`. `authorize` follows each authorization URL and returns the redirect.
    ///
    /// Panics with the output of the client if it neither finishes nor reports an error in time.
    pub fn run(self, url: &str, mut authorize: impl FnMut(&str) -> String) -> Outcome {
        let mut outcome = Outcome {
            program: self,
            lines: Vec::new(),
            authorizations: Vec::new(),
            called: Vec::new(),
            tools: Vec::new(),
            error: None,
        };
        if self == Self::Rust {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime");
            let result = runtime.block_on(async {
                // The user's browser may block.
                let mut report = |line: Value| {
                    tokio::task::block_in_place(|| outcome.report(&line, &mut authorize))
                };
                tokio::time::timeout(LIMIT, rust_client::run(url, &mut report)).await
            });
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome.error = Some(without_tokens(&error.to_string())),
                Err(_) => panic!("not finished within {LIMIT:?}: {outcome}"),
            }
            runtime.shutdown_background();
            return outcome;
        }

        let mut child = self
            .command(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{self:?} cannot be started: {error}; ci/e2e installs it")
            });
        let (sender, lines) = mpsc::channel();
        follow(child.stdout.take().expect("piped"), sender.clone());
        follow(child.stderr.take().expect("piped"), sender);
        let mut input = child.stdin.take().expect("piped");
        let _ended = Ended(child); // also by a panic

        let end = Instant::now() + LIMIT;
        while let Some(line) = next(&lines, end, &outcome) {
            let Ok(json) = serde_json::from_str::<Value>(&line) else {
                outcome.lines.push(without_tokens(&line));
                continue;
            };
            if let Some(redirect) = outcome.report(&json, &mut authorize) {
                let _ = writeln!(input, "{redirect}"); // a client that gives up reports it next
            }
            if json["done"] == true || outcome.error.is_some() {
                return outcome;
            }
        }
        panic!("the client ended early: {outcome}");
    }
}

/// What a client did.
pub struct Outcome {
    program: Program,
    lines: Vec<String>,
    /// The authorization URLs, in order.
    pub authorizations: Vec<String>,
    /// The tools that the server offers.
    pub tools: Vec<String>,
    /// The tools whose calls succeeded, in order.
    pub called: Vec<String>,
    pub error: Option<String>,
}

/// Shows the client and its output.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{}", self.program, self.lines.join("\n"))
    }
}

impl Outcome {
    /// Notes what the client reports. Returns the redirect for an authorization URL.
    fn report(
        &mut self,
        line: &Value,
        authorize: &mut impl FnMut(&str) -> String,
    ) -> Option<String> {
        self.lines.push(without_tokens(&line.to_string()));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.called.extend(text(&line["called"]));
        let tools = line["tools"].as_array().into_iter().flatten();
        self.tools.extend(tools.filter_map(text));
        self.error = text(&line["error"]).map(|error| without_tokens(&error));
        let url = text(&line["authorize"])?;
        let redirect = authorize(&url);
        self.authorizations.push(url);
        Some(redirect)
    }

    /// Asserts that every call succeeded.
    #[track_caller]
    pub fn is_complete(&self) {
        assert_eq!(self.error, None, "{self}");
        let calls = ["read_file", "write_file", "read_file", "write_file"];
        assert_eq!(self.called, calls, "{self}");
        assert!(self.tools.iter().any(|tool| tool == "write_file"), "{self}");
    }
}

/// A process that ends when this value is dropped.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next(lines: &Receiver<String>, end: Instant, outcome: &Outcome) -> Option<String> {
    match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("not finished within {LIMIT:?}: {outcome}"),
    }
}

fn follow(output: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = lines.send(line); // the receiver is dropped once the client is done
        }
    });
}

/// Replaces every part of a line that could be of a token.
fn without_tokens(line: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut words: Vec<_> = line
        .split(|c| !is_of_token(c))
        .filter(|word| word.starts_with("eyJ"))
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
        .iter()
        .fold(line.to_owned(), |line, word| line.replace(word, "TOKEN"))
}

/// The directory of the clients, with the packages that `ci/e2e` installs.
#[must_use]
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn python() -> PathBuf {
    let python =
        std::env::var_os("MCP_PYTHON").expect("MCP_PYTHON names the interpreter; ci/e2e sets it");
    PathBuf::from(python)
}
