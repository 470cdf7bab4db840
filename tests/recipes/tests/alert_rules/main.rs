//! The alert rules name only metrics, labels and codes that exist. `tests/docs` checks what else they name.

mod exporter;
mod promql;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::Value;
use tower::ServiceExt;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../okta-verifier/docs");

/// The codes of rejected security events that the rules name, beside those of requests. `Revocations::receive_event` lists
/// all of them.
const EVENT_CODES: [&str; 3] = ["invalid_audience", "invalid_issuer", "invalid_state"];

/// The labels of a target that the rules may name.
const TARGET_LABELS: [&str; 3] = ["instance", "job", "pod"];

fn document(path: &str) -> String {
    fs::read_to_string(format!("{DOCS}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rules of the file.
fn rules() -> Vec<Value> {
    let file: Value = yaml_serde::from_str(&document("alerts.yml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups").iter();
    let rules: Vec<_> = groups
        .flat_map(|it| it["rules"].as_array().expect("rules").clone())
        .collect();
    assert!(rules.len() > 15, "{}", rules.len());
    rules
}

/// Every metric of the exposition with its labels. A histogram is there under its own name and those of its series.
async fn exposition() -> BTreeMap<String, BTreeSet<String>> {
    let (metrics, _okta) = exporter::metrics().await;
    let text = scrape(metrics).await;
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let Some((name, labels)) = line.split_once('{') else {
            let (name, _) = line.split_once(' ').expect("a value");
            found.entry(name.to_owned()).or_default();
            continue;
        };
        let (labels, _) = labels.rsplit_once('}').expect("a value");
        let pairs = labels
            .split("\",")
            .map(|it| it.split_once('=').expect("a value").0.to_owned());
        found.entry(name.to_owned()).or_default().extend(pairs);
    }
    found
}

async fn scrape(metrics: Router) -> String {
    let request = Request::get("/metrics")
        .body(Body::empty())
        .expect("a request");
    let response = metrics.oneshot(request).await.expect("infallible");
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("the body");
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

/// The texts in backticks in one column of the tables of a section, without the rows that have none.
fn column(text: &str, heading: &str, column: usize) -> Vec<Vec<String>> {
    let mut cells = cells(text, heading, column);
    cells.retain(|spans| !spans.is_empty());
    cells
}

/// The texts in backticks in one column of the tables of a section.
fn cells(text: &str, heading: &str, column: usize) -> Vec<Vec<String>> {
    let (_, section) = text.split_once(&format!("\n{heading}\n")).expect(heading);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|it| it.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(column + 1));
    let spans = cells.map(|cell| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    });
    spans.collect()
}

#[tokio::test]
async fn rules_name_only_metrics_and_labels_of_the_exposition() {
    let mut known = exposition().await;
    for rule in rules() {
        let expression = rule["expr"].as_str().expect("an expression");
        let names = promql::names(expression);
        assert!(!names.metrics.is_empty(), "{expression}");
        let mut all = BTreeSet::new();
        for metric in &names.metrics {
            let labels = known
                .get(metric)
                .unwrap_or_else(|| panic!("no metric {metric}: {expression}"));
            all.extend(labels.iter().cloned());
        }
        for (metric, label, _) in &names.matchers {
            assert!(
                known[metric].contains(label),
                "{metric} has no label {label}: {expression}"
            );
        }
        for label in &names.grouping {
            let is_known = all.contains(label) || TARGET_LABELS.contains(&label.as_str());
            assert!(is_known, "no metric has the label {label}: {expression}");
        }
        if let Some(record) = rule["record"].as_str() {
            known.insert(record.to_owned(), all);
        }
    }
}

#[test]
fn rules_name_only_codes_and_results_that_exist() {
    let codes: BTreeSet<_> = column(&document("log-events.md"), "## Codes", 0)
        .concat()
        .into_iter()
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    let reasons = column(&document("why-401.md"), "## 503 `unavailable`", 1).concat();
    let results = ["succeeded", "not_sent", "full", "failed"].map(str::to_owned);
    let results: BTreeSet<_> = reasons.into_iter().chain(results).collect();
    let outcomes = ["accepted", "anonymous", "rejected", "dropped"];
    let mut seen = 0;
    for rule in rules() {
        for (_, label, value) in
            promql::names(rule["expr"].as_str().expect("an expression")).matchers
        {
            let is_known = match label.as_str() {
                "code" => codes.contains(&value) || EVENT_CODES.contains(&value.as_str()),
                "result" => results.contains(&value),
                "outcome" => outcomes.contains(&value.as_str()),
                _ => panic!("the rules match {label}, whose values are not fixed"),
            };
            assert!(is_known, "{label}={value}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn rule_with_an_unknown_name_is_found() {
    let names = promql::names(r#"sum by (tenant) (rate_okta_verifier_x{code!~"a|b"}) > 0.5"#);
    assert_eq!(names.metrics, ["rate_okta_verifier_x"]);
    assert_eq!(names.grouping, ["tenant"]);
    let values: Vec<_> = names
        .matchers
        .iter()
        .map(|it| (&it.1[..], &it.2[..]))
        .collect();
    assert_eq!(values, [("code", "a"), ("code", "b")]);
    let unknown = std::panic::catch_unwind(|| promql::names("other_metric > 1"));
    assert!(unknown.is_err());
}

#[tokio::test]
async fn page_names_the_metrics_and_labels_of_the_exposition() {
    let page = document("cookbook/metrics.md");
    let names = cells(&page, "## Names", 0).into_iter();
    let labels = cells(&page, "## Names", 1).into_iter();
    let documented: BTreeMap<_, BTreeSet<_>> = names
        .zip(labels.map(BTreeSet::from_iter))
        .filter_map(|(mut names, labels)| Some((names.pop()?, labels)))
        .collect();
    let mut exported = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, labels) in exposition().await {
        // The three kinds of series of a histogram are one metric.
        let series = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|it| name.strip_suffix(it));
        exported
            .entry(series.unwrap_or(&name).to_owned())
            .or_default()
            .extend(labels);
    }
    assert_eq!(documented, exported);
}

/// The exporters of the other sections have the same names, as far as their crates allow it.
#[test]
fn page_has_the_same_names_in_each_exporter() {
    let page = document("cookbook/metrics.md");
    let documented: BTreeSet<_> = column(&page, "## Names", 0).concat().into_iter().collect();
    let section = |heading: &str| {
        let (_, section) = page.split_once(heading).expect("the section");
        section.split("\n## ").next().unwrap_or_default().to_owned()
    };

    // Its `main` names what it expects.
    let metrics = section("\n## metrics\n");
    let exporter = metrics.split("\nasync fn main").next().unwrap_or_default();
    let names = exporter
        .split('"')
        .filter(|it| it.starts_with("okta_verifier_"));
    let names = names.map(|it| it.trim_end_matches("_bucket").to_owned());
    assert_eq!(documented, names.collect());

    // `counter("okta_verifier.requests", "{request}", ..)`, written as Prometheus shows it.
    let mut names = BTreeSet::new();
    for (kind, end) in [
        ("    counter(\"", "_total"),
        ("    revocations(\"", "_total"),
        ("    gauge(\"", ""),
        ("    stream(\"", ""),
    ] {
        for call in section("\n## OpenTelemetry\n").split(kind).skip(1) {
            let parts: Vec<_> = call.split('"').collect();
            let unit = match parts[2] {
                "s" => "_seconds",
                "us" => "_microseconds",
                unit => unit.strip_prefix('{').map(|_| "").expect("a unit"),
            };
            names.insert(format!("{}{unit}{end}", parts[0].replace('.', "_")));
        }
    }
    let histogram = "okta_verifier_introspection_duration";
    assert!(names.remove(&format!("{histogram}_microseconds_total")));
    names.insert(format!("{histogram}_seconds"));
    assert_eq!(documented, names);
}
