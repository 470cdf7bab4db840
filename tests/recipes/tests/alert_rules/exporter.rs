//! The exporter of the page about metrics, over a service whose exposition has a series of each metric.

use axum::{Router, body::Body, http::Request, routing::get};
use okta_verifier::{
    Verifier,
    adapter::PendingOutcome,
    introspection::{ClientAuthentication, Introspection},
    revocation::{Revocations, Transmitter},
};
use okta_verifier_axum::{Verified, VerifyLayer};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, EVENT_AUDIENCE, Endpoint, Fault, MemoryRevocationLog, MockOkta,
};
use tower::ServiceExt;

/// The code of the page, as `build.rs` copied it.
mod page {
    #![allow(dead_code, reason = "its `main` is the test that the page shows")]

    include!(concat!(env!("OUT_DIR"), "/exporter.rs"));
}

/// Returns the route `/metrics`, after requests with each outcome, and a fetch that failed. The issuer lives as long as the
/// `MockOkta`.
pub async fn metrics() -> (Router, MockOkta) {
    let okta = MockOkta::start().await;
    // Without a `Date` the difference of the clocks is not known.
    okta.set_header(
        Endpoint::Keys,
        "date",
        Some("Thu, 01 Jan 2026 00:00:00 GMT"),
    );
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
    for event in [okta.session_revoked("eve").sign(), "no event".to_owned()] {
        revocations
            .receive_event("POST", [], event.as_bytes())
            .await;
    }
    let orders = Router::new().route("/orders", get(async |_: Verified| "orders"));
    let orders = orders.route_layer(VerifyLayer::new(verifier.clone()));
    for jwt in [
        okta.token("ada").sign(),
        okta.token("bob").expired().sign(),
        "no token".to_owned(),
    ] {
        let request = Request::get("/orders").header("authorization", format!("Bearer {jwt}"));
        let request = request.body(Body::empty()).expect("a request");
        orders.clone().oneshot(request).await.expect("infallible");
    }
    drop(PendingOutcome::new(&verifier));
    okta.fault(Endpoint::Keys, Fault::Status(500));
    verifier.refresh().await.expect_err("the issuer fails");
    (page::metrics_router(verifier), okta)
}
