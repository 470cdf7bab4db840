//! Runs an example as a process: tests start it, run the lines that it prints, and stop it.

mod curl;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

pub use curl::Answer;
use curl::Curl;

/// A running example. Dropping the value stops the process.
#[derive(Debug)]
pub struct Example {
    child: Child,
    printed: Vec<String>,
}

impl Example {
    /// Starts `program` on a free port with `settings` as environment. Returns when it listens.
    ///
    /// # Panics
    ///
    /// Panics if the program ends before it listens.
    pub fn start(program: &str, settings: &[(&str, &str)]) -> Self {
        let settings = [settings, &[("PORT", "0")]].concat();
        let mut child = command(program, &settings)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("piped");
        let mut example = Self {
            child,
            printed: Vec::new(),
        };
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("UTF-8");
            let listens = ["http", "https"]
                .iter()
                .any(|scheme| line.starts_with(&format!("listening on {scheme}://127.0.0.1:")));
            example.printed.push(line);
            if listens {
                return example;
            }
        }
        panic!(
            "the example ended before it listened: {:?}",
            example.printed
        );
    }

    /// Returns the base URL, such as `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        let last = self.printed.last();
        last.and_then(|line| line.strip_prefix("listening on "))
            .expect("the example listens")
    }

    /// Sends `GET path` with a token and returns the status.
    pub fn call(&self, path: &str, jwt: &str) -> u16 {
        let address = self.address();
        Curl::parse(&format!(
            "curl -i -H 'Authorization: Bearer {jwt}' {address}{path}"
        ))
        .run()
        .status
    }

    /// Sends `GET path` with these field lines and returns the head of the response.
    pub fn response(&self, path: &str, fields: &[&str]) -> Answer {
        let fields = fields.iter().map(|field| format!("-H '{field}' "));
        let fields: String = fields.collect();
        Curl::parse(&format!("curl -i {fields}{}{path}", self.address())).run()
    }

    /// Returns the lines that the example printed before it listened.
    pub fn printed(&self) -> &[String] {
        &self.printed
    }

    /// Runs every line below a `# expect` line, and returns the status of each `curl` line and the exit code of
    /// each other one, in order.
    ///
    /// # Panics
    ///
    /// Panics if a line gets another result than the one printed above it.
    pub fn run_printed_lines(&self) -> Vec<u16> {
        self.expectations()
            .map(|(expected, line)| {
                let result = match line.starts_with("curl ") {
                    true => Some(Curl::parse(line).run().status),
                    false => exit_code(line),
                };
                assert_eq!(result, Some(expected), "{line}");
                expected
            })
            .collect()
    }

    /// Sends SIGHUP, after which an example may read its settings again.
    ///
    /// # Panics
    ///
    /// Panics if the signal cannot be sent.
    #[cfg(unix)]
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Sends SIGTERM or SIGINT, and returns the exit code, or `None` if the signal has killed the program.
    ///
    /// # Panics
    ///
    /// Panics if the signal cannot be sent.
    #[cfg(unix)]
    pub fn end(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child
            .wait()
            .expect("the child can be waited for")
            .code()
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        assert_eq!(exit_code(&line), Some(0), "{line}");
    }

    /// Returns every line below a `# expect` line, with the expected number.
    pub fn expectations(&self) -> impl Iterator<Item = (u16, &str)> {
        self.printed.windows(2).filter_map(|pair| {
            let expected = pair[0].strip_prefix("# expect ")?;
            Some((expected.parse().expect("a status"), pair[1].as_str()))
        })
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a line in a shell. Returns `None` if a signal ends it.
fn exit_code(line: &str) -> Option<u16> {
    let mut command = Command::new("sh");
    let status = command.args(["-c", line]).status().expect("a shell");
    u16::try_from(status.code()?).ok()
}

/// Asserts that `program` fails without a panic, and returns what it wrote to stderr.
///
/// # Panics
///
/// Panics if `program` succeeds or panics.
pub fn fails(program: &str, settings: &[(&str, &str)]) -> String {
    let output = command(program, settings)
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str());
    let name = name.expect("a program's path");
    assert!(text.starts_with(&format!("{name}: ")), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Returns the command with these settings. It does not inherit `PORT`, `SETTINGS`, `MCP_*` and `OKTA_*` from the
/// environment.
fn command(program: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["PORT", "SETTINGS"].contains(&&*text)
            || text.starts_with("MCP_")
            || text.starts_with("OKTA_")
        {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    command
}
