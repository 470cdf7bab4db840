//! Token introspection (RFC 7662) at a `MockOkta`.

mod check;
mod client_authentication;
mod confirmation;
mod failure;
mod issuers;
mod lightweight;
mod logs;
mod max_age;
mod modes;
mod rate_limits;

use okta_verifier::{
    Verifier,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};

use crate::support::mock_issuer::{build, issuer};

fn client() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET)
}

fn every_token() -> Introspection {
    Introspection::every_token(client())
}

fn opaque_tokens() -> Introspection {
    Introspection::opaque_tokens(client())
}

fn on_demand() -> Introspection {
    Introspection::on_demand(client())
}

fn verifier_with(okta: &MockOkta, introspection: Introspection) -> Verifier {
    let issuer = issuer(okta).introspection(introspection);
    build(issuer)
}

/// Returns the number of introspection requests so far.
fn calls(okta: &MockOkta) -> usize {
    okta.hits().introspection
}
