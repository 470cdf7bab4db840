//! Vulnerabilities of other extractors. Each test is named after one and shows that it does not exist
//! here; those of the core are in its own tests.

use axum::{Router, routing};
use okta_verifier_axum::Verified;

use crate::support::{INVALID, get, okta, strict};

/// The extractor reads what the layer verified, and the layer rejects a bound token.
#[tokio::test]
async fn authkestra_ignores_cnf_in_its_extractor() {
    let subject = routing::get(async |token: Verified| token.subject().to_owned());
    let app = Router::new().route("/me", subject).route_layer(strict());
    let bound = okta().token("ada").bound_to_key().sign();
    get(&app, "/me", Some(&bound))
        .await
        .assert_rejected(401, Some(INVALID));
}
