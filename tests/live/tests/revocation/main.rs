//! A Keycloak server tells a fleet of what revokes tokens: the causes and the troubles that `tests/keycloak/revocation.rs`
//! leaves out. `ci/live revocation` runs them, and `ci/full` has them as the step `live-revocation`.
//!
//! All tests share the server. Each has a realm and a fleet of its own, because a realm sends its events to each receiver.

use std::time::Duration;

use live::fleet::Fleet;
use live::keycloak::{Keycloak, Realm};

mod causes;
mod silence;
mod stream;
mod trouble;

fn own_realm(name: &'static str) -> Realm<'static> {
    Keycloak::shared().create_realm(name, Duration::from_secs(300))
}

/// Starts a fleet that accepts the tokens of a realm of its own.
fn fleet(realm: &'static str) -> Fleet {
    Fleet::start(own_realm(realm))
}
