//! `assert_protected_resource`: a right server passes, and each row finds a server that is wrong in this row.

mod server;
mod strict;
mod wrong;

use std::collections::BTreeSet;

use okta_verifier_testing::{
    ProtectedResource, TestIssuer, assert_protected_resource,
    protected_resource::{ResourceReport, check_protected_resource},
};
use server::{Binding, Change, Server};
use tokio::task::JoinSet;

const BINDINGS: [Binding; 2] = [Binding::Offered, Binding::Required];

async fn check(binding: Binding, change: Change) -> ResourceReport {
    let Server { base_url, resource } = Server::start(binding, change).await;
    check_protected_resource(&base_url, resource).await
}

// conformance 264
#[tokio::test]
async fn right_server_passes_every_row() {
    for binding in BINDINGS {
        let Server { base_url, resource } = Server::start(binding, |_, _| {}).await;
        let report = assert_protected_resource(&base_url, resource).await;
        let skipped: Vec<&str> = report.rows().filter_map(|row| row.skipped()).collect();
        match binding {
            Binding::Required => assert!(skipped.is_empty(), "{report}"),
            Binding::Offered => assert_eq!(skipped, ["tokens need not be bound"], "{report}"),
        }
    }
}

// conformance 264
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_finds_a_server_that_is_wrong_in_it() {
    let mut rows: BTreeSet<String> = BTreeSet::new();
    for row in check(Binding::Required, |_, _| {}).await.rows() {
        assert!(rows.insert(row.name().to_owned()), "{} twice", row.name());
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut checks = JoinSet::new();
    for (names, change) in wrong::servers() {
        // The binding in which the first row is not skipped.
        let binding = match names[0].contains("if every token must be") {
            true => Binding::Required,
            false => Binding::Offered,
        };
        checks.spawn(async move { (names, check(binding, change).await) });
    }
    while let Some(checked) = checks.join_next().await {
        let (names, report) = checked.unwrap();
        let failures: BTreeSet<&str> = report.failures().collect();
        for name in names {
            assert!(
                failures.contains(name),
                "{name:?} does not find its wrong server\n{report}"
            );
            found.insert((*name).to_owned());
        }
    }
    let missing: Vec<_> = rows.difference(&found).collect();
    assert!(missing.is_empty(), "no wrong server for {missing:?}");
}

#[tokio::test]
async fn allowed_row_may_fail_and_an_allowance_without_need_fails() {
    const CACHED: &str = "metadata: it may be cached";
    const HEAD: &str = "metadata: HEAD has the status and the type of GET, and no body";
    let uncached: Change = |_, response| response.remove("cache-control");

    let Server { base_url, resource } = Server::start(Binding::Offered, uncached).await;
    let report = check_protected_resource(&base_url, resource.clone()).await;
    assert_eq!(report.failures().collect::<Vec<_>>(), [CACHED]);

    let allowed = resource.allow(CACHED, "the document changes every minute");
    let report = assert_protected_resource(&base_url, allowed.clone()).await;
    let row = report.rows().find(|row| row.name() == CACHED).unwrap();
    assert!(row.failure().unwrap().contains("no Cache-Control"));
    let text = report.to_string();
    assert!(
        text.contains("| allowed: the document changes every minute |"),
        "{text}"
    );

    for name in [
        HEAD,
        "metadata: no such row",
        "DPoP: a token that is not bound is rejected if every token must be",
    ] {
        let report = check_protected_resource(&base_url, allowed.clone().allow(name, "why")).await;
        assert_eq!(report.failures().collect::<Vec<_>>(), [name], "{report}");
    }
}

#[tokio::test]
#[should_panic(
    expected = "- metadata: it may be cached (SHOULD, RFC 9728 §7.10; quality)
    request:  GET /.well-known/oauth-protected-resource/mcp
    expected: Cache-Control: public, with max-age
    received: 200, no Cache-Control"
)]
async fn failure_panics_with_the_request_and_both_responses() {
    let uncached: Change = |_, response| response.remove("cache-control");
    let Server { base_url, resource } = Server::start(Binding::Offered, uncached).await;
    let _ = assert_protected_resource(&base_url, resource).await;
}

#[tokio::test]
async fn report_shows_the_requests_without_their_tokens() {
    let fail: Change = |_, response| response.become_status(500);
    let report = check(Binding::Offered, fail).await;
    let text = report.to_string();
    assert!(report.failures().count() > 70, "{text}");
    assert!(text.contains("Authorization: Bearer (token with"), "{text}");
    assert!(text.contains("body access_token=(token with"), "{text}");
    assert!(!text.contains("eyJ"), "{text}");
}

#[tokio::test]
async fn check_of_an_issuer_that_writes_ordinary_tokens_only_skips_the_others() {
    let Server { base_url, .. } = Server::start(Binding::Offered, |_, _| {}).await;
    let resource = ProtectedResource::new(server::URL)
        .issuer("https://okta.test/oauth2/default", |_| None)
        .scopes(["files:read"])
        .dpop();
    let report = assert_protected_resource(&base_url, resource).await;
    let skipped: Vec<&str> = report.rows().filter_map(|row| row.skipped()).collect();
    assert!(
        skipped.contains(&"the issuer returns no expired token"),
        "{report}"
    );
    assert!(
        skipped.contains(&"the resource is not an MCP server"),
        "{report}"
    );
    assert!(report.passed() > 20, "{report}");
}

#[tokio::test]
#[should_panic(expected = "write the origin of the server")]
async fn base_url_with_a_path_panics() {
    let resource = ProtectedResource::new(server::URL).test_issuer(&TestIssuer::new(server::URL));
    let _ = check_protected_resource("http://127.0.0.1:1/mcp", resource).await;
}

#[test]
#[should_panic(expected = "is not the URL of a resource")]
fn resource_with_a_fragment_panics() {
    let _ = ProtectedResource::new("https://mcp.example.com/mcp#top");
}
