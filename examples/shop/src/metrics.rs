//! The metrics, as text for Prometheus.

use std::fmt::Write;

use crate::Shop;

pub(crate) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// glue: metrics
pub(crate) fn metrics(shop: &Shop) -> String {
    let mut text = "# TYPE okta_verifier_requests counter\n".to_owned();
    for it in shop.verifier.stats().requests() {
        let (issuer, code) = (it.issuer.unwrap_or(""), it.code.unwrap_or(""));
        let labels = format!(
            r#"issuer="{issuer}",outcome="{}",code="{code}""#,
            it.outcome
        );
        let _ = writeln!(
            text,
            "okta_verifier_requests_total{{{labels}}} {}",
            it.count
        );
    }
    text + "# EOF\n"
}
// end of glue
