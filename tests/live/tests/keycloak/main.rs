//! Verifiers accept and reject tokens of a Keycloak server, which `ci/live` fetches and builds.
//!
//! All tests share the server and the realm `shop`. A test that changes a user, a key or a realm creates its own.

use std::sync::OnceLock;
use std::time::Duration;

use live::keycloak::{API, CLIENT_SECRET, Keycloak, Realm};
use okta_verifier::Issuer;
use okta_verifier::introspection::{ClientAuthentication, Introspection};

mod accepted;
mod introspection;
mod lightweight;
mod rejected;
mod revocation;
mod rotation;
mod sender_constraint;
mod shapes;

const LIFETIME: Duration = Duration::from_secs(300);

/// Returns the realm with a client for every shape of token.
fn shop() -> Realm<'static> {
    static SHOP: OnceLock<Realm<'static>> = OnceLock::new();
    *SHOP.get_or_init(|| Keycloak::shared().create_shop("shop", LIFETIME))
}

/// Returns a realm that other tests do not use, with the clients [`API`] and `web` and the user `ada`.
fn own_realm(name: &'static str) -> Realm<'static> {
    Keycloak::shared().create_realm(name, LIFETIME)
}

/// Returns the settings of an API whose tokens a realm issues.
fn issuer(realm: Realm<'_>) -> Issuer {
    Issuer::keycloak(realm.issuer(), API).any_client_id()
}

/// Returns the client as which the API introspects tokens.
fn api_client() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic(API, CLIENT_SECRET)
}

/// Returns the same settings with introspection on routes that require it.
fn issuer_on_demand(realm: Realm<'_>) -> Issuer {
    issuer(realm).introspection(Introspection::on_demand(api_client()))
}
