//! The whole way of each client, from a URL to a tool that needs more scopes.

use std::sync::Arc;

use e2e::mcp::client::{Outcome, Program};
use e2e::mcp::proxy::Change;
use e2e::mcp::server::{Hit, Settings};

use super::{World, parameter, scopes};

const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

// conformance 195, 199, 257, 258, 262
#[test]
fn mcp_first_generation_client_reaches_both_tools_with_one_step_up() {
    reaches_both_tools(Program::FirstGeneration, "initialize");
}

// conformance 195, 199, 257, 258, 262
#[test]
fn mcp_second_generation_client_reaches_both_tools_with_one_step_up() {
    reaches_both_tools(Program::SecondGeneration, "server/discover");
}

// conformance 195, 199, 257, 258, 262
#[test]
fn mcp_python_client_reaches_both_tools_with_one_step_up() {
    reaches_both_tools(Program::Python, "server/discover");
}

// conformance 195, 199, 257, 258, 262
#[test]
fn mcp_rust_client_reaches_both_tools_with_one_step_up() {
    reaches_both_tools(Program::Rust, "initialize");
}

#[test]
fn mcp_clients_reach_both_tools_of_a_server_without_sessions() {
    for (client, world) in each_client(&Settings {
        sessions: false,
        ..Settings::default()
    }) {
        let outcome = world.run(client);
        outcome.is_complete();
        assert_eq!(outcome.authorizations.len(), 2, "{outcome}");
    }
}

/// `first` is the JSON-RPC method that the client begins with: `initialize` up to 2025-11-25, else `server/discover`.
fn reaches_both_tools(client: Program, first: &str) {
    let world = World::start(Settings::default());
    let outcome = world.run(client);
    outcome.is_complete();
    assert_discovery(&world, &outcome);
    assert_one_step_up(&world, &outcome, first);
    assert!(!world.server.has_logged_a_token(), "{outcome}");
}

/// Asserts that the client found its way from the challenge to a token.
fn assert_discovery(world: &World, outcome: &Outcome) {
    let resource = world.server.url();
    for url in &outcome.authorizations {
        assert_eq!(
            parameter(url, "resource").as_deref(),
            Some(&*resource),
            "{outcome}"
        );
    }
    let first = parameter(&outcome.authorizations[0], "scope");
    assert_eq!(scopes(first.as_deref()), ["files:read"], "{outcome}");

    let requests = world.issuer.take_requests();
    let kinds: Vec<_> = requests
        .iter()
        .map(|one| one["kind"].as_str().expect("text"))
        .collect();
    let mut first_steps = kinds.clone();
    first_steps.dedup();
    assert_eq!(
        first_steps[..4],
        ["discovery", "register", "authorize", "token"],
        "{outcome}"
    );
    let registrations = kinds.iter().filter(|kind| **kind == "register").count();
    assert_eq!(registrations, 1, "{outcome}");
    for token in requests.iter().filter(|one| one["kind"] == "token") {
        assert_eq!(token["resource"], *resource, "{outcome}");
    }
}

/// Asserts the order of the requests at the server: 401, metadata, calls, one 403, calls.
fn assert_one_step_up(world: &World, outcome: &Outcome, first: &str) {
    let hits = world.server.take_hits();
    let shown: Vec<_> = hits.iter().map(Hit::to_string).collect();
    let shown = shown.join("\n");
    assert_eq!(hits[0].call, first, "{shown}");
    assert_eq!(
        (hits[0].status, hits[0].scheme.as_str()),
        (401, ""),
        "{shown}"
    );
    assert_eq!(
        (hits[1].path.as_str(), hits[1].status),
        (METADATA, 200),
        "{shown}"
    );
    let forbidden: Vec<_> = hits.iter().filter(|hit| hit.status == 403).collect();
    assert_eq!(forbidden.len(), 1, "{shown}");
    assert_eq!(forbidden[0].call, "tools/call write_file", "{shown}");
    assert_eq!(
        outcome.authorizations.len(),
        2,
        "one login and one step-up: {outcome}"
    );
    let second = parameter(&outcome.authorizations[1], "scope");
    assert_eq!(
        scopes(second.as_deref()),
        ["files:read", "files:write"],
        "{outcome}"
    );
    let admitted = |call: &str| {
        hits.iter()
            .filter(|hit| hit.call == call && hit.status == 200)
            .count()
    };
    assert_eq!(admitted("tools/call read_file"), 2, "{shown}");
    assert_eq!(admitted("tools/call write_file"), 2, "{shown}");
    // A token that was rejected once would be a second 401 of a POST.
    let unauthorized = hits
        .iter()
        .filter(|hit| hit.status == 401 && !hit.scheme.is_empty())
        .count();
    assert_eq!(unauthorized, 0, "{shown}");
}

// conformance 195
#[test]
fn mcp_clients_find_the_metadata_without_its_url_in_the_challenge() {
    for (client, world) in each_client(&Settings {
        proxy: Some(Change::WithoutMetadataUrl),
        ..Settings::default()
    }) {
        let outcome = world.run(client);
        outcome.is_complete();
        let hits = world.server.take_hits();
        assert!(
            hits.iter()
                .any(|hit| hit.path == METADATA && hit.status == 200),
            "{outcome}"
        );
    }
}

/// The server names a resource that the client did not call: no client requests a token for it.
#[test]
fn mcp_clients_reject_the_metadata_of_another_resource() {
    for (client, world) in each_client(&Settings {
        resource: "/other",
        ..Settings::default()
    }) {
        let outcome = world.run(client);
        assert!(outcome.error.is_some(), "{outcome}");
        assert!(outcome.authorizations.is_empty(), "{outcome}");
        assert!(
            world
                .issuer
                .take_requests()
                .iter()
                .all(|one| one["kind"] == "discovery"),
            "{outcome}"
        );
    }
}

/// A slash too many in the configured URL is another resource for all clients but that of Python, which takes both for the
/// same and requests a token for the URL of the metadata.
#[test]
fn mcp_clients_compare_the_slash_at_the_end_of_the_resource() {
    let settings = Settings {
        resource: "/mcp/",
        ..Settings::default()
    };
    for (client, world) in each_client(&settings) {
        let outcome = world.run(client);
        if client == Program::Python {
            outcome.is_complete();
            let resource = format!("{}/", world.server.url());
            let requested = parameter(&outcome.authorizations[0], "resource");
            assert_eq!(requested, Some(resource), "{outcome}");
        } else {
            assert!(outcome.error.is_some(), "{outcome}");
            assert!(outcome.authorizations.is_empty(), "{outcome}");
        }
    }
}

/// Returns every client with a server of its own.
fn each_client(settings: &Settings) -> impl Iterator<Item = (Program, World)> {
    let issuer = World::issuer();
    Program::ALL.into_iter().map(move |client| {
        let world = World::of(Arc::clone(&issuer), settings.clone());
        (client, world)
    })
}
