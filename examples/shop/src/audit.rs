//! The audit log: one line of JSON for each request, without the user.

use okta_verifier::{Rejection, VerifiedToken, adapter::Outcome};
use serde_json::json;

use crate::Shop;

impl Shop {
    // glue: audit
    pub(crate) fn audit(
        &self,
        outcome: Outcome<'_>,
        token: Option<&VerifiedToken>,
        route: Option<&str>,
    ) {
        let rejection = outcome.rejection();
        let issuer = token.map(VerifiedToken::issuer);
        // end of glue
        let line = json!({
            "outcome": outcome.name(),
            "error.type": rejection.map(Rejection::code),
            "policy": rejection.and_then(Rejection::unmet_policy),
            "issuer": issuer.or(rejection.and_then(Rejection::issuer)),
            "http.route": route,
            "client_id": token.and_then(VerifiedToken::client_id),
        });
        // glue: audit
        if self.audit.try_send(line.to_string()).is_err() {
            eprintln!("a line of the audit log was lost");
        }
    }
    // end of glue
}
