//! The conformance suite of MCP, against the server with and without the layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use e2e::mcp::client::{Ended, directory};
use e2e::mcp::proxy::{Change, Proxy};
use e2e::mcp::server::Settings;
use serde_json::Value;

use super::World;
use crate::process::within;

/// What a scenario checks, with the outcome.
type Outcomes = BTreeMap<String, String>;

/// The time for all scenarios of a revision on a machine under other load.
const LIMIT: Duration = Duration::from_secs(300);

/// The checks that fail behind the layers and pass without them.
///
/// The layers reject a protocol version that is not a date, and they cannot know the versions that the server supports. They
/// reject a call that names neither tool, prompt nor resource, also of a method that the server does not have.
const STRICTER: [&str; 2] = [
    "server-stateless/sep-2575-http-server-method-not-found-404-resources-subscribe",
    "server-stateless/sep-2575-server-unsupported-version-error",
];

#[test]
fn mcp_conformance_of_2025_11_25_is_the_same_behind_the_layers() {
    let outcomes = same_behind_the_layers("2025-11-25", &[]);
    for check in [
        "dns-rebinding-protection/localhost-host-rebinding-rejected",
        "tools-call-sampling/tools-call-sampling",
    ] {
        assert_eq!(
            outcomes.get(check).map(String::as_str),
            Some("SUCCESS"),
            "{check}: {outcomes:#?}"
        );
    }
}

#[test]
fn mcp_conformance_of_2026_07_28_is_the_same_behind_the_layers() {
    let outcomes = same_behind_the_layers("2026-07-28", &STRICTER);
    for scenario in ["http-header-validation/", "dns-rebinding-protection/"] {
        let checks = outcomes
            .iter()
            .filter(|(check, _)| check.starts_with(scenario));
        let checks: Vec<_> = checks.collect();
        assert!(!checks.is_empty(), "{outcomes:#?}");
        assert!(
            checks.iter().all(|(_, outcome)| *outcome == "SUCCESS"),
            "{checks:#?}"
        );
    }
}

/// Runs the scenarios that a revision requires, and returns their outcomes behind the layers.
fn same_behind_the_layers(revision: &str, stricter: &[&str]) -> Outcomes {
    let issuer = World::issuer();
    let run = |verified: bool| {
        let world = World::of(
            Arc::clone(&issuer),
            Settings {
                verified,
                ..Settings::default()
            },
        );
        let resource = world.server.url();
        let token = world
            .issuer
            .token_for(&[("scope", "files:read"), ("resource", &resource)]);
        // The suite cannot send a token. Without the layers, the server does not look at it.
        let proxy = Proxy::start(world.server.base(), Change::AddToken(token));
        let outcomes = outcomes(&format!("{}/mcp", proxy.base()), revision, verified);
        // The tools log the request, as the documentation of rmcp shows it.
        assert_eq!(world.server.has_logged_a_token(), !verified);
        outcomes
    };
    let (without, with) = (run(false), run(true));
    let passed = with
        .values()
        .filter(|outcome| *outcome == "SUCCESS")
        .count();
    println!("{revision}: {passed} of {} checks pass", with.len());
    assert!(passed > 20, "{with:#?}");
    let checks: BTreeSet<_> = without.keys().chain(with.keys()).collect();
    let different: Vec<_> = checks
        .into_iter()
        .filter(|check| without.get(*check) != with.get(*check))
        .collect();
    assert_eq!(
        different, stricter,
        "without the layers: {without:#?}, with them: {with:#?}"
    );
    with
}

/// Runs the suite, and returns the outcome of each check.
fn outcomes(url: &str, revision: &str, verified: bool) -> Outcomes {
    let name = format!("conformance-{revision}-{verified}");
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&results);
    fs::create_dir_all(&results).expect("a directory");
    let child = Command::new("node")
        .args(["conformance.mjs", "server", "--url", url])
        .args(["--requirements", revision, "--output-dir"])
        .arg(&results)
        .current_dir(directory())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut suite = Ended(child.expect("node is installed"));
    // It reports a failure if one check fails, which the comparison allows.
    within(LIMIT, "the conformance suite ends", || {
        suite.0.try_wait().expect("a status")
    });
    let mut outcomes = Outcomes::new();
    for file in files(&results) {
        let checks: Value =
            serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
        let scenario = scenario(&file);
        for check in checks.as_array().expect("a list") {
            let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
            outcomes.insert(format!("{scenario}/{}", text("id")), text("status"));
        }
    }
    assert!(
        !outcomes.is_empty(),
        "the suite has no results; ci/e2e installs it"
    );
    outcomes
}

/// Returns the files with the checks, one per scenario.
fn files(results: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(results).expect("the directory of the results");
    let directories = entries.map(|entry| entry.expect("an entry").path());
    directories
        .map(|path| path.join("checks.json"))
        .filter(|path| path.exists())
        .collect()
}

/// Returns NAME of the directory `server-NAME-2026-11-30T20-07-58-535Z`.
fn scenario(file: &Path) -> String {
    let directory = file
        .parent()
        .and_then(Path::file_name)
        .expect("a directory");
    let directory = directory.to_str().expect("ASCII");
    let end = directory.len() - "-2026-11-30T20-07-58-535Z".len();
    let name = directory[..end].strip_prefix("server-");
    name.expect("a scenario for servers").to_owned()
}
