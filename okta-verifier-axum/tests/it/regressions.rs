//! Holes that other extractors have, or had. Each test is named after one, and shows that it is
//! none here; those of the core are in its own tests.

use axum::{Router, routing};
use okta_verifier_axum::Verified;

use crate::support::{INVALID, get, okta, strict};

/// The extractor takes what the layer left, and the layer leaves nothing of a bound token.
#[tokio::test]
async fn authkestra_ignores_cnf_in_its_extractor() {
    let who = routing::get(async |token: Verified| token.subject().to_owned());
    let app = Router::new().route("/me", who).route_layer(strict());
    let bound = okta().token("ada").bound_to_key().sign();
    get(&app, "/me", Some(&bound))
        .await
        .refused(401, Some(INVALID));
}
