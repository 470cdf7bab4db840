//! The command as a process, and the files that it reads.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A file that is removed at the end of the test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("okta-verifier-cli-{}-{number}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What the command wrote, and its exit code.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Returns the line of a check and the line of its hint, or an empty text.
    pub(crate) fn check(&self, name: &str) -> (String, String) {
        let mut lines = self.stdout.lines();
        let is_check = |line: &&str| line.split_whitespace().nth(1) == Some(name);
        let line = lines.find(is_check).unwrap_or_default().to_owned();
        let hint = lines
            .next()
            .and_then(|line| line.trim_start().strip_prefix("-> "));
        (line, hint.unwrap_or_default().to_owned())
    }

    /// Ends the test if the output has 16 consecutive bytes of a token.
    #[track_caller]
    pub(crate) fn assert_shows_no_part_of(&self, token: &str) {
        let shown = [self.stdout.as_bytes(), self.stderr.as_bytes()].concat();
        let shown: BTreeSet<&[u8]> = shown.windows(16).collect();
        let mut parts = token.as_bytes().windows(16);
        let is_shown = parts.any(|part| shown.contains(part));
        assert!(!is_shown, "a part of the token is shown");
    }
}

/// Runs the command with these variables and no others.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-verifier"));
    command.args(arguments).env_clear().env("NO_PROXY", "*");
    command.envs(variables.iter().copied());
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // The command may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let run = Run {
        code: output.status.code().expect("the command ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains("panicked"), "{text}");
        assert!(
            !text.contains('\u{1b}'),
            "colours are for terminals: {text}"
        );
    }
    run
}
