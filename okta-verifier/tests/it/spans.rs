//! The spans of fetches.

use std::time::Duration;

use okta_verifier::{
    Verifier,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta};
use tracing::{Instrument, Level};

use crate::support::{
    captured_spans::{CapturedSpan, CapturedSpans},
    mock_issuer::{build, build_with_timeout, issuer, result_code, verifier},
};

fn introspecting(okta: &MockOkta) -> Verifier {
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    build(issuer(okta).introspection(Introspection::opaque_tokens(client)))
}

/// Returns the documents and the codes of the spans, in the order in which they began.
fn codes(spans: &[CapturedSpan]) -> Vec<(&str, &str)> {
    let texts = spans.iter().map(|span| {
        let text = |name| {
            span.field(name)
                .unwrap_or_else(|| panic!("{name}: {span:?}"))
        };
        (text("document"), text("code"))
    });
    texts.collect()
}

#[test]
fn spans_of_fetches_have_the_issuer_the_document_and_the_code() {
    let spans = CapturedSpans::default();
    let url = spans.run(async {
        let okta = MockOkta::start().await;
        let verifier = introspecting(&okta);
        verifier.warm_up().await.unwrap();
        let opaque = okta.opaque_token("ada").sign();
        let jwt = okta.token("ada").sign();
        for _ in 0..3 {
            // Only the first of three requests sends an introspection request.
            assert_eq!(result_code(&verifier, &opaque).await, "ok");
            assert_eq!(result_code(&verifier, &jwt).await, "ok");
        }
        okta.issuer_url().to_owned()
    });
    let fetches = spans.fetches();
    let expected = ["keys", "metadata", "introspection", "metadata"].map(|it| (it, "ok"));
    assert_eq!(codes(&fetches), expected);
    for span in &fetches {
        assert_eq!((span.name, span.level), ("fetch", Level::DEBUG));
        assert_eq!(span.field("issuer"), Some(&*url));
        let metadata = format!("{url}/.well-known/openid-configuration");
        let is_metadata = span.field("document") == Some("metadata");
        assert_eq!(span.field("url"), is_metadata.then_some(&*metadata));
        assert_eq!(span.fields.len(), 3 + usize::from(is_metadata), "{span:?}");
        assert!(span.is_closed, "{span:?}");
    }
}

#[test]
fn spans_of_failed_fetches_have_the_code_of_the_failure() {
    for (endpoint, fault, expected) in [
        (
            Endpoint::Keys,
            Fault::Status(500),
            [("keys", "status"), ("metadata", "ok")],
        ),
        (
            Endpoint::Discovery,
            Fault::OtherIssuer,
            [("keys", "issuer_mismatch"), ("metadata", "issuer_mismatch")],
        ),
        (
            Endpoint::Discovery,
            Fault::Html,
            [("keys", "content_type"), ("metadata", "content_type")],
        ),
    ] {
        let spans = CapturedSpans::default();
        spans.run(async {
            let okta = MockOkta::start().await;
            okta.fault(endpoint, fault);
            verifier(&okta).warm_up().await.unwrap_err();
        });
        assert_eq!(codes(&spans.fetches()), expected);
    }
}

#[test]
fn spans_of_a_fetch_contain_its_events() {
    let spans = CapturedSpans::default();
    spans.run(async {
        let okta = MockOkta::start().await;
        okta.fault(Endpoint::Keys, Fault::Drop);
        verifier(&okta).warm_up().await.unwrap_err();
    });
    let keys = spans.fetches().remove(0);
    assert!(
        keys.events.iter().any(|it| it == "key fetch failed"),
        "{keys:?}"
    );
}

#[test]
fn spans_of_rejected_introspection_credentials_have_their_code() {
    let spans = CapturedSpans::default();
    spans.run(async {
        let okta = MockOkta::start().await;
        okta.fault(Endpoint::Introspection, Fault::Status(401));
        let verifier = introspecting(&okta);
        let opaque = okta.opaque_token("ada").sign();
        assert_eq!(result_code(&verifier, &opaque).await, "unavailable");
    });
    let expected = [
        ("introspection", "introspection_credentials_rejected"),
        ("metadata", "ok"),
    ];
    assert_eq!(codes(&spans.fetches()), expected);
}

#[test]
fn spans_of_a_fetch_beyond_its_timeout_are_closed() {
    let spans = CapturedSpans::default();
    spans.run(async {
        let okta = MockOkta::start().await;
        okta.fault(Endpoint::Discovery, Fault::Hang);
        let verifier = build_with_timeout(Duration::from_millis(200), issuer(&okta));
        verifier.warm_up().await.unwrap_err();
    });
    let fetches = spans.fetches();
    let codes = codes(&fetches);
    assert_eq!(codes[0], ("keys", "timeout"));
    // The timeout of the request and that of the whole fetch end at the same time.
    assert!(
        matches!(codes[1], ("metadata", "timeout" | "abandoned")),
        "{codes:?}"
    );
    assert!(fetches.iter().all(|span| span.is_closed));
}

#[test]
fn spans_of_fetches_that_their_runtime_drops_end_as_abandoned() {
    let spans = CapturedSpans::default();
    let (_okta, _verifier) = spans.run(async {
        let okta = MockOkta::start().await;
        okta.fault(Endpoint::Keys, Fault::Hang);
        let verifier = verifier(&okta);
        let warming = tokio::spawn({
            let verifier = verifier.clone();
            async move { verifier.warm_up().await }
        });
        while okta.hits().keys == 0 {
            tokio::task::yield_now().await;
        }
        warming.abort();
        (okta, verifier)
    });
    let fetches = spans.fetches();
    assert_eq!(codes(&fetches), [("keys", "abandoned"), ("metadata", "ok")]);
    assert!(fetches.iter().all(|span| span.is_closed));
}

#[test]
fn spans_of_fetches_have_no_request_as_parent_and_follow_from_it() {
    let spans = CapturedSpans::default();
    let requests = spans.run(async {
        let (one, other) = (MockOkta::start().await, MockOkta::start().await);
        let verifiers = [introspecting(&one), introspecting(&other)];
        let tokens = [&one, &other].map(|okta| okta.opaque_token("ada").sign());
        let request = |index: usize| {
            let (verifier, token) = (&verifiers[index], &tokens[index]);
            let span = tracing::info_span!("request");
            let id = span.id();
            let result = async move { result_code(verifier, token).await }.instrument(span);
            async move {
                assert_eq!(result.await, "ok");
                id.unwrap()
            }
        };
        // Both wait at the same time.
        tokio::join!(request(0), request(1))
    });
    let fetches = spans.fetches();
    for request in [requests.0, requests.1] {
        let mut own = fetches.iter().filter(|it| it.follows == [request.clone()]);
        let (fetch, None) = (own.next().unwrap(), own.next()) else {
            panic!("one span follows from a request: {fetches:?}");
        };
        assert_eq!(fetch.field("document"), Some("introspection"));
        assert_eq!(fetch.parent, None);
        // The metadata is fetched for this fetch alone.
        let parts = fetches
            .iter()
            .filter(|it| it.parent == Some(fetch.id.clone()));
        let parts: Vec<_> = parts
            .map(|it| (it.field("document"), it.field("issuer")))
            .collect();
        assert_eq!(parts, [(Some("metadata"), fetch.field("issuer"))]);
    }
}
