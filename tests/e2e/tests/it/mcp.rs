//! MCP clients of other projects find the authorization server, log a user in and call tools.

mod browser_client;
mod conformance;
mod dpop;
mod walk;

use std::sync::Arc;

use e2e::mcp::client::{Outcome, Program, REDIRECT};
use e2e::mcp::server::{Server, Settings};
use okta_verifier::Issuer;

use crate::browser;
use crate::server::AuthorizationServer;

/// The authorization server and the MCP server of one test.
struct World {
    issuer: Arc<AuthorizationServer>,
    server: Server,
}

impl World {
    fn start(settings: Settings) -> Self {
        Self::of(Self::issuer(), settings)
    }

    /// Starts an authorization server where clients register themselves.
    fn issuer() -> Arc<AuthorizationServer> {
        let variables = [("REGISTRATION", "1"), ("ISSUERS", "default")];
        Arc::new(AuthorizationServer::start_with(&variables))
    }

    fn of(issuer: Arc<AuthorizationServer>, settings: Settings) -> Self {
        let url = issuer.issuer();
        let server = Server::start(settings, |audience| Issuer::okta(url, audience));
        Self { issuer, server }
    }

    /// Lets a user follow an authorization URL, and returns the redirect to the client.
    fn authorize(&self, url: &str) -> String {
        browser::follow(&self.issuer, "alice", url, REDIRECT)
    }

    fn run(&self, client: Program) -> Outcome {
        client.run(&self.server.url(), |url| self.authorize(url))
    }
}

/// Returns a parameter of the query of a URL, decoded.
fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).expect("a URL");
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns the scopes of a request, sorted.
fn scopes(text: Option<&str>) -> Vec<&str> {
    let mut scopes: Vec<_> = text.unwrap_or_default().split(' ').collect();
    scopes.sort_unstable();
    scopes
}
