//! The alert rules have a page for each alert, a row in the guide, and tests. `tests/recipes` checks their expressions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{commands::first_cell, links::slug, text};

/// The module on docs.rs that has the guides.
const PAGES: &str = "https://docs.rs/okta-verifier/latest/okta_verifier/_documentation/";

/// The alerts of the rule file, each with its name.
fn alerts() -> Vec<(String, Value)> {
    let file: Value = yaml_serde::from_str(&text("okta-verifier/docs/alerts.yml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups").iter();
    let rules = groups.flat_map(|it| it["rules"].as_array().expect("rules").clone());
    let alerts = rules.filter_map(|it| Some((it["alert"].as_str()?.to_owned(), it)));
    let alerts: Vec<_> = alerts.collect();
    assert!(alerts.len() > 10, "{}", alerts.len());
    alerts
}

#[test]
fn alert_has_a_severity_a_summary_and_a_runbook_with_its_heading() {
    for (alert, rule) in alerts() {
        assert!(alert.starts_with("OktaVerifier"), "{alert}");
        let severity = rule["labels"]["severity"].as_str();
        let is_known = matches!(severity, Some("page" | "ticket"));
        assert!(is_known, "{alert}: {severity:?}");
        let annotation = |name| {
            let value = rule["annotations"][name].as_str();
            value.unwrap_or_else(|| panic!("{alert}: {name}"))
        };
        assert!(annotation("summary").ends_with('.'), "{alert}");
        let path = annotation("runbook_url").strip_prefix(PAGES);
        let path = path.expect("a page on docs.rs");
        let (module, anchor) = path.split_once("/index.html").expect("a module");
        let page = text(&format!(
            "okta-verifier/docs/{}.md",
            module.replace('_', "-")
        ));
        let mut headings = page.lines().filter(|it| it.starts_with('#'));
        let is_there = headings.any(|heading| format!("#{}", slug(heading)) == anchor);
        assert!(anchor.is_empty() || is_there, "{alert}: {path}");
    }
}

#[test]
fn alert_is_in_the_table_of_the_guide_with_its_severity() {
    let guide = text("okta-verifier/docs/outage.md");
    let rows = guide.lines().filter(|it| it.starts_with("| `OktaVerifier"));
    let named: BTreeSet<_> = rows
        .map(|row| {
            let alert = first_cell(row).expect("a cell").trim_matches('`');
            let severity = row.split('|').nth(2).expect("a cell").trim();
            (alert.to_owned(), severity.to_owned())
        })
        .collect();
    let severity = |rule: &Value| rule["labels"]["severity"].as_str().map(str::to_owned);
    let expected = alerts().into_iter();
    let expected = expected.map(|(alert, rule)| (alert, severity(&rule).expect("a severity")));
    assert_eq!(named, expected.collect());
}

/// `ci/alerts` runs the tests.
#[test]
fn alert_is_tested_firing_and_not_firing() {
    let file = text("tests/recipes/alerts.test.yml");
    let file: Value = yaml_serde::from_str(&file).expect("YAML");
    let mut tested = BTreeSet::new();
    for test in file["tests"].as_array().expect("tests") {
        for case in test["promql_expr_test"].as_array().expect("cases") {
            let expression = case["expr"].as_str().expect("an expression");
            let (_, alert) = expression.split_once("alertname=\"").expect("an alert");
            let (alert, _) = alert.split_once('"').expect("its end");
            let fires = !case["exp_samples"].as_array().expect("samples").is_empty();
            tested.insert((alert.to_owned(), fires));
        }
    }
    let alerts = alerts().into_iter();
    let expected = alerts.flat_map(|(alert, _)| [(alert.clone(), false), (alert, true)]);
    assert_eq!(tested, expected.collect());
}
