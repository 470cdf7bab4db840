//! MCP clients of other projects register at a Keycloak server, log a user in, and call the tools of a server behind the
//! layers of okta-verifier. `ci/live mcp` fetches and builds what is needed.

use std::time::Duration;

use e2e::mcp::client::{Outcome, Program, REDIRECT};
use e2e::mcp::server::{READ, Server, Settings, WRITE};
use live::keycloak::Keycloak;
use okta_verifier::Issuer;

#[test]
fn mcp_second_generation_client_reaches_both_tools() {
    reaches_both_tools("second-generation", Program::SecondGeneration);
}

#[test]
fn mcp_python_client_reaches_both_tools() {
    reaches_both_tools("python", Program::Python);
}

#[test]
fn mcp_rust_client_reaches_both_tools() {
    reaches_both_tools("rust", Program::Rust);
}

fn reaches_both_tools(realm: &'static str, client: Program) {
    let (outcome, server) = run(realm, client);
    outcome.is_complete();
    assert_eq!(
        outcome.authorizations.len(),
        2,
        "one login and one step-up: {outcome}"
    );
    let hits = server.take_hits();
    assert_eq!(
        hits.iter().filter(|hit| hit.status == 403).count(),
        1,
        "{outcome}"
    );
    assert!(!server.has_logged_a_token(), "{outcome}");
}

/// The client refreshes its token instead of requesting more scopes, and gets the same scopes. It gives up when the second
/// challenge is the same as the first one, byte by byte; a challenge that changed would let it go on.
#[test]
fn mcp_first_generation_client_with_a_refresh_token_stops_at_the_second_403() {
    let (outcome, server) = run("first-generation", Program::FirstGeneration);
    assert!(outcome.error.is_some(), "{outcome}");
    assert_eq!(outcome.called, ["read_file"], "{outcome}");
    assert_eq!(outcome.authorizations.len(), 1, "{outcome}");
    let hits = server.take_hits();
    let forbidden: Vec<_> = hits.iter().filter(|hit| hit.status == 403).collect();
    assert_eq!(forbidden.len(), 2, "{outcome}");
    assert_eq!(forbidden[0].challenges, forbidden[1].challenges);
}

fn run(realm: &'static str, client: Program) -> (Outcome, Server) {
    let realm = Keycloak::shared().create_realm(realm, Duration::from_secs(300));
    let issuer = realm.issuer();
    let server = Server::start(Settings::default(), |audience| {
        Issuer::keycloak(issuer, audience)
    });
    realm.admit_registration(&server.url(), &[READ, WRITE]);
    let mut admitted = false;
    let outcome = client.run(&server.url(), |url| {
        if !std::mem::replace(&mut admitted, true) {
            realm.admit_client(&parameter(url, "client_id"), &[READ, WRITE]);
        }
        realm.authorize("ada", url, REDIRECT)
    });
    (outcome, server)
}

/// Returns a parameter of the query of a URL.
fn parameter(url: &str, name: &str) -> String {
    let url = reqwest::Url::parse(url).expect("a URL");
    let mut pairs = url.query_pairs();
    let (_, value) = pairs.find(|(key, _)| key == name).expect("the parameter");
    value.into_owned()
}
