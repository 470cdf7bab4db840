//! Asking the issuer about tokens (RFC 7662), through a `MockOkta`.

mod clients;
mod faults;
mod hostile;
mod logs;
mod modes;
mod routes;
mod several;

use std::time::Duration;

use okta_verifier::{ClientAuthentication, Introspection, Verifier};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};

use crate::mock::{issuer, within};

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

fn with(okta: &MockOkta, introspection: Introspection) -> Verifier {
    let issuer = issuer(okta).introspection(introspection);
    within(Duration::from_secs(10), issuer)
}

/// The questions so far.
fn calls(okta: &MockOkta) -> usize {
    okta.hits().introspection
}
