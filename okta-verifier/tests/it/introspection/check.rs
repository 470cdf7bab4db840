//! The check of introspection at startup.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use okta_verifier::{
    Verifier,
    error::UnavailableReason,
    health::IntrospectionState,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta, TestIssuer};

use super::{calls, every_token, on_demand, opaque_tokens, verifier_with};
use crate::support::mock_issuer::{build_with_timeout, issuer};

/// Returns the code of the only check, or `ok`.
async fn checked(verifier: &Verifier) -> &'static str {
    let checks = verifier.check_introspection().await;
    let [check] = &checks[..] else {
        panic!("one check: {checks:?}");
    };
    check
        .result
        .as_ref()
        .map_or_else(UnavailableReason::code, |()| "ok")
}

#[tokio::test]
async fn introspection_check_reports_every_response_but_inactive() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, opaque_tokens());
    let active = br#"{"active":true,"sub":"ada","aud":"api://default","exp":4000000000}"#;
    for (fault, code) in [
        (Fault::Status(401), "introspection_credentials_rejected"),
        (
            Fault::OauthError(400, "unauthorized_client"),
            "introspection_credentials_rejected",
        ),
        (Fault::OauthError(400, "invalid_request"), "status"),
        (Fault::Status(403), "status"),
        (Fault::Status(500), "status"),
        (Fault::Html, "content_type"),
        (Fault::Huge(10), "too_large"),
        (Fault::Drop, "transport"),
        (Fault::Body(active.to_vec()), "malformed_response"),
        (Fault::Body(b"{}".to_vec()), "malformed_response"),
        (Fault::Body(b"[]".to_vec()), "malformed_response"),
    ] {
        okta.clear_faults();
        okta.fault(Endpoint::Introspection, fault.clone());
        assert_eq!(checked(&verifier).await, code, "{fault:?}");
    }
    okta.clear_faults();
    okta.fault(Endpoint::Introspection, Fault::Hang);
    let issuer = issuer(&okta).introspection(opaque_tokens());
    let hurried = build_with_timeout(Duration::from_millis(200), issuer);
    assert_eq!(checked(&hurried).await, "timeout");
}

#[tokio::test]
async fn introspection_check_rejects_wrong_credentials() {
    let okta = MockOkta::start().await;
    let client =
        ClientAuthentication::client_secret_basic(CLIENT_ID, "an old secret of the client");
    secret_scan::secret("an old secret of the client");
    let verifier = verifier_with(&okta, Introspection::on_demand(client));
    let checks = verifier.check_introspection().await;
    secret_scan::shown(format!("{checks:?}"));
    assert_eq!(
        checked(&verifier).await,
        "introspection_credentials_rejected"
    );
}

#[tokio::test]
async fn introspection_check_passes_in_every_mode_and_changes_no_state() {
    let okta = MockOkta::start().await;
    for introspection in [opaque_tokens(), every_token(), on_demand()] {
        let verifier = verifier_with(&okta, introspection);
        let before = calls(&okta);
        assert_eq!(checked(&verifier).await, "ok");
        assert_eq!(calls(&okta), before + 1);
        let health = verifier.health().remove(0);
        let state = &health.introspection().unwrap().state;
        assert_eq!(*state, IntrospectionState::Unused);
    }
}

#[test]
fn introspection_check_needs_a_runtime_and_an_issuer_with_introspection() {
    let okta = TestIssuer::new("api://default");
    let verifier = |introspection: Option<Introspection>| {
        let mut issuer = okta.issuer().any_client_id();
        if let Some(introspection) = introspection {
            issuer = issuer.introspection(introspection);
        }
        Verifier::builder().issuer(issuer).build().unwrap()
    };
    let poll = |verifier: &Verifier| {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(verifier.check_introspection()).poll(&mut context) {
            Poll::Ready(checks) => checks,
            Poll::Pending => panic!("nothing to wait for"),
        }
    };
    assert!(poll(&verifier(None)).is_empty());
    let checks = poll(&verifier(Some(opaque_tokens())));
    assert!(matches!(
        checks[0].result,
        Err(UnavailableReason::NoRuntime)
    ));
}
