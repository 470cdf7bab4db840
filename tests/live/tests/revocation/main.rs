//! A Keycloak server tells a fleet of what revokes tokens: the causes and the troubles that `tests/keycloak/revocation.rs`
//! leaves out. `ci/live revocation` runs them, and `ci/full` has them as the step `live-revocation`.
//!
//! All tests share the server, and most of them a fleet. One that holds events back has a realm and a fleet of its own.

use std::sync::OnceLock;
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
fn own_fleet(realm: &'static str) -> Fleet {
    Fleet::start(own_realm(realm))
}

/// Returns the fleet that tests share. Each has users of its own.
fn fleet() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| own_fleet("signals"))
}
