//! Tokens that are bound to the key of an MCP client.

use e2e::mcp::client::Program;
use e2e::mcp::proxy::Change;
use e2e::mcp::server::{Dpop, Hit, Settings};

use super::World;

// conformance 252
#[test]
fn mcp_bound_tokens_are_accepted_with_proofs() {
    let hits = reaches_both_tools(Dpop::WithoutNonce, None);
    assert!(hits.iter().all(|hit| !hit.nonce));
}

/// The first response without a token has a nonce, so that no request needs a second attempt.
// conformance 252
#[test]
fn mcp_bound_tokens_are_accepted_with_nonces() {
    let hits = reaches_both_tools(Dpop::WithNonce, None);
    assert!(hits.iter().all(|hit| hit.nonce || hit.scheme.is_empty()));
}

#[test]
fn mcp_client_repeats_a_request_that_is_rejected_for_its_nonce() {
    let hits = reaches_both_tools(Dpop::WithNonce, Some(Change::WithoutFirstNonce));
    let challenged: Vec<_> = hits
        .iter()
        .filter(|hit| hit.status == 401 && !hit.scheme.is_empty())
        .collect();
    assert_eq!(challenged.len(), 1);
    assert!(
        challenged[0]
            .challenges
            .iter()
            .any(|line| line.contains(r#"error="use_dpop_nonce""#))
    );
}

fn reaches_both_tools(dpop: Dpop, proxy: Option<Change>) -> Vec<Hit> {
    let repeats = proxy.is_some();
    let world = World::start(Settings {
        dpop,
        proxy,
        ..Settings::default()
    });
    let outcome = world.run(Program::SecondGenerationDpop);
    outcome.is_complete();
    assert_eq!(outcome.authorizations.len(), 2, "{outcome}");
    assert!(!world.server.has_logged_a_token(), "{outcome}");
    let hits = world.server.take_hits();
    for hit in hits.iter().filter(|hit| !hit.scheme.is_empty()) {
        assert_eq!(hit.scheme, "DPoP", "{hit}");
        assert!(repeats || hit.status != 401, "{hit}");
    }
    hits
}

/// A client without keys gets a token, which no request can use.
#[test]
fn mcp_unbound_tokens_are_rejected_where_proofs_are_required() {
    let world = World::start(Settings {
        dpop: Dpop::WithoutNonce,
        ..Settings::default()
    });
    let outcome = world.run(Program::FirstGeneration);
    assert!(outcome.error.is_some(), "{outcome}");
    assert!(outcome.called.is_empty(), "{outcome}");
}
