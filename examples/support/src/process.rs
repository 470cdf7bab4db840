//! An example as a process: its tests start it, paste what it prints, and end it.

mod curl;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

pub use curl::Answer;
use curl::Curl;

/// A running example. It ends when this is dropped.
#[derive(Debug)]
pub struct Example {
    child: Child,
    printed: Vec<String>,
}

impl Example {
    /// Starts `program` on any free port; returns once it listens. `settings` are its environment.
    ///
    /// # Panics
    ///
    /// When it ends before it listens.
    pub fn start(program: &str, settings: &[(&str, &str)]) -> Self {
        let settings = [settings, &[("PORT", "0")]].concat();
        let mut child = command(program, &settings)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
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
        panic!("it ended before it listened: {:?}", example.printed);
    }

    /// `http://127.0.0.1:PORT`, or `https`.
    pub fn address(&self) -> &str {
        let last = self.printed.last();
        last.and_then(|line| line.strip_prefix("listening on "))
            .expect("it listens")
    }

    /// `GET path` with a token; the status.
    pub fn ask(&self, path: &str, jwt: &str) -> u16 {
        let address = self.address();
        Curl::parse(&format!(
            "curl -i -H 'Authorization: Bearer {jwt}' {address}{path}"
        ))
        .run()
        .status
    }

    /// `GET path` with these field lines; the answer's head.
    pub fn answer(&self, path: &str, fields: &[&str]) -> Answer {
        let fields = fields.iter().map(|field| format!("-H '{field}' "));
        let fields: String = fields.collect();
        Curl::parse(&format!("curl -i {fields}{}{path}", self.address())).run()
    }

    /// The lines on its stdout, until it listened.
    pub fn printed(&self) -> &[String] {
        &self.printed
    }

    /// Pastes every `curl` line that is under a `# expect` line; the statuses, in order.
    ///
    /// # Panics
    ///
    /// When a line gets another status than the one printed above it.
    pub fn try_what_it_printed(&self) -> Vec<u16> {
        self.promises()
            .map(|(expected, line)| {
                assert_eq!(Curl::parse(line).run().status, expected, "{line}");
                expected
            })
            .collect()
    }

    /// Every line that is under a `# expect` line, and the number that this one names.
    pub fn promises(&self) -> impl Iterator<Item = (u16, &str)> {
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

/// Asserts that `program` ends with a failure and without a panic; what it wrote to stderr.
///
/// # Panics
///
/// When it does not.
pub fn fails(program: &str, settings: &[(&str, &str)]) -> String {
    let output = command(program, settings).output().expect("a process");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str());
    let name = name.expect("a program's path");
    assert!(said.starts_with(&format!("{name}: ")), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// The example with these settings alone, whatever the surroundings have set.
fn command(program: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name == "PORT" || name.to_string_lossy().starts_with("OKTA_") {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    command
}
