//! The text for Prometheus has the metrics of the table in the recipe, with their types and labels.

use std::collections::{BTreeMap, BTreeSet};

use okta_verifier::{
    Rejection, Verifier,
    adapter::PendingOutcome,
    introspection::{ClientAuthentication, Introspection},
    revocation::{Revocations, Transmitter},
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, EVENT_AUDIENCE, Endpoint, MemoryRevocationLog, MockOkta,
};

use super::text;

/// Returns the type and the labels of each metric of the table.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let recipe = text("okta-verifier/docs/cookbook/metrics.md");
    let rows = recipe
        .lines()
        .filter(|it| it.starts_with("| `okta_verifier_"));
    let metric = |row: &str| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[2].split(", ").map(|it| it.trim_matches('`'));
        let labels = labels.map(str::to_owned).collect();
        let name = cells[1].trim_matches('`').to_owned();
        (name, (cells[3].to_owned(), labels))
    };
    rows.map(metric).collect()
}

#[tokio::test]
async fn text_for_prometheus_has_the_metrics_of_the_table() {
    let okta = MockOkta::start().await;
    // Without a `Date` the difference of the clocks is not known.
    let date = "Sun, 29 Nov 2026 12:00:00 GMT";
    okta.set_header(Endpoint::Keys, "date", Some(date));
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = okta.issuer("api://default").any_client_id();
    let issuer = issuer.introspection(Introspection::every_token(client));
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    let revocations = Revocations::builder().log(MemoryRevocationLog::new());
    let revocations = revocations.transmitter(transmitter).build();
    let revocations = revocations.expect("valid settings");
    let verifier = Verifier::builder()
        .issuer(issuer)
        .revocations(revocations.clone())
        .build()
        .expect("valid settings");
    let event = okta.session_revoked("eve").sign();
    for event in [&*event, "no event"] {
        let received = revocations.receive_event("POST", [], event.as_bytes());
        received.await;
    }
    let token = verifier.verify(&okta.token("ada").sign()).await;
    token.expect("a valid token");
    PendingOutcome::new(&verifier).complete(Some(&Rejection::missing_layer()));

    let exported = verifier.prometheus_text();
    let mut metrics = BTreeMap::<String, (String, BTreeSet<String>)>::new();
    for line in exported.lines() {
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        {
            metrics.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (name, labels) = line.split_once('{').expect("labels");
            // The three kinds of series of a histogram are one metric.
            let series = ["_bucket", "_count", "_sum"];
            let name = series
                .iter()
                .find_map(|it| name.strip_suffix(it))
                .unwrap_or(name);
            let (labels, _) = labels.split_once('}').expect("the end of the labels");
            let labels = labels.split("\",").filter_map(|it| it.split('=').next());
            let labels = labels.map(str::to_owned);
            metrics.get_mut(name).expect("its head").1.extend(labels);
        }
    }
    assert!(metrics.len() > 10, "{metrics:?}");
    assert_eq!(metrics, documented(), "{exported}");
}
