//! Builds the peers, each separately.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    options::Options,
    roster::{Contestant, Program},
};

/// Returns the contestants that could be built, and a note for each that could not.
pub(crate) fn build(all: Vec<Contestant>, options: &Options) -> (Vec<Contestant>, Vec<String>) {
    let mut notes = Vec::new();
    let node = install_node();
    let mut built = Vec::new();
    for mut contestant in all.into_iter().filter(|it| options.wants(it)) {
        let command = match contestant.program {
            Program::Rust(package) => cargo(package),
            Program::Node(name) => node
                .clone()
                .map(|script| vec!["node".into(), script, name.into()]),
        };
        match command {
            Ok(command) => {
                contestant.command = command;
                contestant.version = version(&contestant);
                built.push(contestant);
            }
            Err(why) => notes.push(format!("{}: {why}", contestant.name)),
        }
    }
    (built, notes)
}

/// Builds one package with cargo. A build of all packages together would unify their features, and
/// jsonwebtoken panics in a process that has both of its backends.
fn cargo(package: &str) -> Result<Vec<PathBuf>, String> {
    eprintln!("building {package}");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    for (name, _) in env::vars_os() {
        // Remove the variables that `cargo run` sets for this package. A changed variable would
        // recompile ring.
        if name
            .to_str()
            .is_some_and(|it| it.starts_with("CARGO_PKG_") || it.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--message-format=json",
            "--package",
            package,
        ])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("the build failed".to_owned());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(vec![PathBuf::from(message["executable"].as_str()?)])
    });
    executable.ok_or("cargo reported no executable".to_owned())
}

/// Installs the Node packages and returns the path of the script.
fn install_node() -> Result<PathBuf, String> {
    let folder = root().join("node");
    eprintln!("installing the packages of {}", folder.display());
    let npm = Command::new("npm")
        .args([
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status();
    match npm {
        Ok(status) if status.success() => Ok(folder.join("peer.mjs")),
        Ok(_) => Err("npm ci failed".to_owned()),
        Err(_) => Err("Node is not installed".to_owned()),
    }
}

/// Returns the version in the lock files, or an empty text if there is none.
fn version(contestant: &Contestant) -> String {
    let package = contestant.package;
    let found = match contestant.program {
        Program::Rust(_) => fs::read_to_string(root().join("Cargo.lock"))
            .ok()
            .and_then(|lock| {
                let entry = lock
                    .split(&format!("name = \"{package}\"\nversion = \""))
                    .nth(1)?;
                Some(entry.split('"').next()?.to_owned())
            }),
        Program::Node(_) => fs::read(root().join("node/package.json"))
            .ok()
            .and_then(|text| {
                let manifest: Value = serde_json::from_slice(&text).ok()?;
                Some(manifest["dependencies"][package].as_str()?.to_owned())
            }),
    };
    found.unwrap_or_default()
}

/// Returns the directory of this workspace.
fn root() -> &'static Path {
    let report = Path::new(env!("CARGO_MANIFEST_DIR"));
    report.parent().unwrap_or(report)
}
