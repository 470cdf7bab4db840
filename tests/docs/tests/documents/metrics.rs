//! The text for Prometheus has the metrics of the table in the recipe, with their types.

use std::collections::BTreeSet;

use okta_verifier::Verifier;
use okta_verifier_testing::TestIssuer;

use super::text;

#[test]
fn text_for_prometheus_has_the_metrics_of_the_table() {
    let recipe = text("okta-verifier/docs/cookbook/metrics.md");
    let rows = recipe
        .lines()
        .filter(|it| it.starts_with("| `okta_verifier_"));
    let documented: BTreeSet<_> = rows
        .map(|row| {
            let mut cells = row.split('|').skip(1).map(str::trim);
            let name = cells.next().expect("a name").trim_matches('`');
            format!("{name} {}", cells.nth(1).expect("a type"))
        })
        .collect();
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder().issuer(okta.issuer().any_client_id());
    let exported = verifier.build().expect("valid settings").prometheus_text();
    let exported = exported.lines().filter_map(|it| it.strip_prefix("# TYPE "));
    let exported: BTreeSet<_> = exported.map(str::to_owned).collect();
    assert!(documented.len() > 10, "{documented:?}");
    assert_eq!(exported, documented);
}
