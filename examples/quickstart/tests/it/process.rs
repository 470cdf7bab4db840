//! Starts the built example and ends it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::curl::Curl;

pub(crate) struct Quickstart {
    child: Child,
    printed: Vec<String>,
}

impl Quickstart {
    /// On any free port; returns once it listens.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let settings = [settings, &[("PORT", "0")]].concat();
        let mut child = command(&settings)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let stdout = child.stdout.take().expect("piped");
        let mut quickstart = Self {
            child,
            printed: Vec::new(),
        };
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("UTF-8");
            let listens = line.starts_with("listening on http://127.0.0.1:");
            quickstart.printed.push(line);
            if listens {
                return quickstart;
            }
        }
        panic!("it ended before it listened: {:?}", quickstart.printed);
    }

    /// `GET path` with a token.
    pub(crate) fn ask(&self, path: &str, jwt: &str) -> u16 {
        let address = self
            .printed
            .last()
            .and_then(|line| line.strip_prefix("listening on "));
        let address = address.expect("it listens");
        Curl::parse(&format!(
            "curl -i -H 'Authorization: Bearer {jwt}' {address}{path}"
        ))
        .run()
    }

    pub(crate) fn printed(&self) -> &[String] {
        &self.printed
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that it ends with a failure and without a panic; what it wrote to stderr.
pub(crate) fn fails(settings: &[(&str, &str)]) -> String {
    let output = command(settings).output().expect("a process");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("quickstart: "), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// The example with these settings alone, whatever the surroundings have set.
fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    for (name, _) in std::env::vars_os() {
        if name == "PORT" || name.to_string_lossy().starts_with("OKTA_") {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    command
}
