//! The rows of tables with measured results are those that a program prints.

use super::{commands::first_cell, root, sources, text};

/// From one heading to the next of its level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) = text.split_once(heading).expect(heading);
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

fn rows(section: &str) -> Vec<&str> {
    let rows = section.lines().filter(|line| line.starts_with('|'));
    rows.collect()
}

#[test]
fn every_scenario_of_keys_under_stress_is_printed() {
    let page = text("docs/design/comparison.md");
    let printing =
        sources(&root().join("tests/e2e/tests/it/table")) + &text("tests/e2e/tests/it/table.rs");
    let rows = rows(section(&page, "## Keys under stress\n"));
    let scenarios: Vec<_> = rows.into_iter().filter_map(first_cell).skip(1).collect();
    assert!(scenarios.len() > 15, "{scenarios:?}");
    for scenario in scenarios {
        assert!(printing.contains(&format!("\"{scenario}\"")), "{scenario}");
    }
}

#[test]
fn the_scenarios_beside_the_neighbours_are_those_printed() {
    let page = text("docs/design/comparison.md");
    let section = section(&page, "## Beside its neighbours\n");
    let (_, table) = section.split_once("\n| scenario |").expect("the table");
    let rows: Vec<_> = table.lines().skip(2).map_while(first_cell).collect();

    let printing = text("benches/peers/node/stress/scenarios.mjs");
    let printed = printing.split("\n  async '").skip(1);
    let printed = printed.filter_map(|rest| Some(rest.split_once("'(")?.0));
    let printed: Vec<_> = printed.collect();
    assert!(printed.len() > 10, "{printed:?}");
    assert_eq!(rows, printed);
}

#[test]
fn the_node_libraries_have_the_versions_that_are_installed() {
    let page = text("docs/design/comparison.md");
    let section = section(&page, "## Beside its neighbours\n");
    let words = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let manifest = text("benches/peers/node/package.json");
    let (_, listed) = manifest
        .split_once("\"dependencies\": {")
        .expect("dependencies");
    let lines = listed.lines().filter(|line| line.contains("\": \""));
    let versions: Vec<_> = lines
        .map(|line| line.replace(['"', ':', ','], "").trim().to_owned())
        .collect();
    assert!(versions.len() > 5, "{versions:?}");
    for version in versions {
        assert!(words.contains(&version), "{version}");
    }
}

/// Who reads the log, looks for these words.
#[test]
fn the_events_of_the_log_are_spelt_as_they_are_logged() {
    let outage = text("okta-verifier/docs/outage.md");
    let (_, events) = outage.split_once("The events in the log").expect("there");
    let (events, _) = events.split_once("\n## ").expect("the next section");
    let quoted = events.split('`').skip(1).step_by(2);
    let events: Vec<_> = quoted
        .filter(|it| it.split_whitespace().count() > 1)
        .filter(|it| !CAUSES.contains(it))
        .collect();
    assert!(events.len() > 10, "{events:?}");
    let source = sources(&root().join("okta-verifier/src"));
    for event in events {
        let words: Vec<_> = event.split_whitespace().collect();
        assert!(source.contains(&words.join(" ")), "{event}");
    }
}

/// Texts of the operating system and of rustls; a test of the core sees them in events.
const CAUSES: [&str; 4] = [
    "Connection refused (os error 111)",
    "failed to lookup address information: Name or service not known",
    "invalid peer certificate: UnknownIssuer",
    "received corrupt message of type InvalidContentType",
];
