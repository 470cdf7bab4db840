//! Figures that stand twice are the same, and what prints them has rows of their names.

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
fn the_readmes_figures_are_those_of_one_report() {
    let (readme, report) = (text("README.md"), text("docs/neighbours.md"));
    let rows = rows(section(&readme, "## Speed\n"));
    assert!(rows.len() > 15, "{rows:?}");
    for row in rows {
        assert!(report.lines().any(|line| line == row), "{row}");
    }
}

#[test]
fn every_scenario_of_keys_under_stress_is_printed() {
    let readme = text("README.md");
    let printing = sources(&root().join("e2e/tests/it/table")) + &text("e2e/tests/it/table.rs");
    let rows = rows(section(&readme, "## Keys under stress\n"));
    let scenarios: Vec<_> = rows.into_iter().filter_map(first_cell).skip(1).collect();
    assert!(scenarios.len() > 15, "{scenarios:?}");
    for scenario in scenarios {
        assert!(printing.contains(&format!("\"{scenario}\"")), "{scenario}");
    }
}

/// Who reads the log, looks for these words.
#[test]
fn the_events_of_the_log_are_spelt_as_they_are_logged() {
    let outage = text("docs/outage.md");
    let (_, events) = outage.split_once("The events in the log").expect("there");
    let (events, _) = events.split_once("\n## ").expect("the next section");
    let quoted = events.split('`').skip(1).step_by(2);
    let events: Vec<_> = quoted
        .filter(|it| it.split_whitespace().count() > 3)
        .collect();
    assert!(events.len() > 5, "{events:?}");
    let source = sources(&root().join("okta-verifier/src"));
    for event in events {
        let words: Vec<_> = event.split_whitespace().collect();
        assert!(source.contains(&words.join(" ")), "{event}");
    }
}
