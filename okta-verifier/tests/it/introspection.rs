//! Asking the issuer about tokens (RFC 7662), through a `MockOkta`.

mod clients;
mod faults;
mod hostile;
mod logs;
mod modes;
mod routes;
mod several;

use std::time::Duration;

use okta_verifier::{Introspect, Introspection, Verifier};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta};

use crate::mock::{issuer, within};

fn asking(introspect: Introspect) -> Introspection {
    Introspection::new(CLIENT_ID, CLIENT_SECRET).introspect(introspect)
}

fn with(okta: &MockOkta, introspection: Introspection) -> Verifier {
    let issuer = issuer(okta).introspection(introspection);
    within(Duration::from_secs(10), issuer)
}

/// The questions so far.
fn calls(okta: &MockOkta) -> usize {
    okta.hits().introspection
}
