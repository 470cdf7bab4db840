//! Servers that are wrong in one respect, each with the rows that must find it.

mod credentials;
mod mcp;
mod metadata;

use super::server::{Change, Response};

/// The names of the rows, and the change to the responses of the right server.
type Wrong = (&'static [&'static str], Change);

pub(super) fn servers() -> Vec<Wrong> {
    [
        metadata::document(),
        metadata::responses(),
        credentials::tokens(),
        credentials::challenges(),
        credentials::scopes(),
        credentials::dpop(),
        mcp::calls(),
        mcp::smuggling(),
        mcp::headers(),
        mcp::sessions(),
    ]
    .concat()
}

/// Serves a request that the right server has rejected.
fn served(response: &mut Response) {
    response.become_status(200);
}
