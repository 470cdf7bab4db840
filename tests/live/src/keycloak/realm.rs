//! Realms: their clients, users, roles, scopes and keys.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Grant, Keycloak};
use crate::http;

/// The client ID of the API, which is the audience of the tokens. It is the client that introspects: Keycloak answers
/// `active: false` to a client that is not in the token's `aud`.
pub const API: &str = "orders-api";
/// The URL of the resource that a client can name in the parameter `resource` (RFC 8707).
pub const RESOURCE: &str = "http://127.0.0.1:3000/mcp";
/// The secret of every client.
pub const CLIENT_SECRET: &str = "secret-of-every-test-client";
/// The password of every user.
pub const PASSWORD: &str = "password-of-every-test-user";
/// The realm role of every user.
pub const REALM_ROLE: &str = "clerk";
/// The role of every user at the client [`API`].
pub const CLIENT_ROLE: &str = "approver";
/// A scope that every client may request.
pub const SCOPE: &str = "orders.read";

/// A realm of the server.
#[derive(Clone, Copy)]
pub struct Realm<'k> {
    pub(super) server: &'k Keycloak,
    name: &'k str,
}

impl Keycloak {
    /// Creates a realm with the user `ada`, the client [`API`] and the client `web`. Tokens and sessions last for
    /// `lifetime`.
    pub fn create_realm<'k>(&'k self, name: &'k str, lifetime: Duration) -> Realm<'k> {
        let seconds = lifetime.as_secs();
        let body = json!({
            "realm": name,
            "enabled": true,
            "accessTokenLifespan": seconds,
            "ssoSessionIdleTimeout": seconds,
            "ssoSessionMaxLifespan": seconds,
            "roles": { "realm": [{ "name": REALM_ROLE }], "client": { API: [{ "name": CLIENT_ROLE }] } },
            "clients": [client(API, &json!({})), client("web", &json!({}))],
            // Without these members the realm has its default client scopes; an empty list removes them.
        });
        self.admin(Method::POST, "", Some(&body));
        let realm = Realm { server: self, name };
        let scope = json!({
            "name": SCOPE, "protocol": "openid-connect", "attributes": { "include.in.token.scope": "true" },
        });
        let id = realm.create("client-scopes", &scope);
        let client = realm.id_of_client("web");
        realm.put(
            &format!("clients/{client}/optional-client-scopes/{id}"),
            &json!({}),
        );
        realm.add_user("ada");
        realm
    }

    /// Creates a realm with a client for every shape of token.
    pub fn create_shop<'k>(&'k self, name: &'k str, lifetime: Duration) -> Realm<'k> {
        let realm = self.create_realm(name, lifetime);
        let clients = [
            with_attributes("at-jwt", &[("access.token.header.type.rfc9068", "true")]),
            with_attributes("lightweight", &[LIGHTWEIGHT]),
            {
                let mut mapper = audience(API);
                mapper["config"]["lightweight.claim"] = json!("true");
                let mut client = with_attributes("lightweight-with-audience", &[LIGHTWEIGHT]);
                client["protocolMappers"] = json!([mapper]);
                client
            },
            {
                let mut client = with_attributes("lightweight-without-basic", &[LIGHTWEIGHT]);
                client["defaultClientScopes"] = json!(["profile", "roles"]);
                client
            },
            client(
                "without-basic",
                &json!({ "defaultClientScopes": ["profile", "roles"] }),
            ),
            client(
                "without-audience",
                &json!({ "protocolMappers": [], "fullScopeAllowed": false }),
            ),
            client(
                "without-scopes",
                &json!({ "defaultClientScopes": ["basic"], "fullScopeAllowed": false }),
            ),
            client(
                "role-claims",
                &json!({ "protocolMappers": [
                    audience(API), realm_roles("authz.roles.realm", true), realm_roles("role", false),
                ] }),
            ),
            with_attributes("dpop", &[("dpop.bound.access.tokens", "true")]),
            with_attributes(
                "mtls",
                &[("tls.client.certificate.bound.access.tokens", "true")],
            ),
            with_attributes("es256", &[("access.token.signed.response.alg", "ES256")]),
            with_attributes("ps256", &[("access.token.signed.response.alg", "PS256")]),
            with_attributes("eddsa", &[("access.token.signed.response.alg", "EdDSA")]),
            // The gateway exchanges tokens of `front` for tokens that the API accepts.
            with_attributes("gateway", &[("standard.token.exchange.enabled", "true")]),
            client(
                "front",
                &json!({ "protocolMappers": [audience("gateway")], "fullScopeAllowed": false }),
            ),
            // A client gets the resource as its audience only if the resource's client is in its audience already.
            with_attributes("resource", &[("resource_url", RESOURCE)]),
            {
                // Without refresh tokens, client_credentials with `resource` is answered with 500.
                let refresh = [("client_credentials.use_refresh_token", "true")];
                let mut client = with_attributes("agent", &refresh);
                client["protocolMappers"] = json!([audience("resource"), audience(API)]);
                client
            },
        ];
        for client in &clients {
            realm.add_client(client);
        }
        realm
    }
}

impl<'k> Realm<'k> {
    /// Returns the issuer of tokens that are requested without TLS: Keycloak names the scheme, host and port of the
    /// request.
    pub fn issuer(self) -> String {
        self.server.url(&format!("/realms/{}", self.name))
    }

    /// Returns the issuer of tokens that are requested with TLS.
    pub fn https_issuer(self) -> String {
        self.server.https_url(&format!("/realms/{}", self.name))
    }

    /// Begins a token request of a client.
    pub fn grant(self, client_id: &'k str) -> Grant<'k> {
        Grant::new(self, client_id)
    }

    /// Introspects a token as the client [`API`], without the library.
    pub fn introspect(self, token: &str) -> Value {
        let url = format!("{}/protocol/openid-connect/token/introspect", self.issuer());
        let request = self
            .server
            .client
            .post(url)
            .basic_auth(API, Some(CLIENT_SECRET));
        let answer = http::send(request.form(&[("token", token)]));
        answer.expect(200, "introspection").json()
    }

    /// Revokes a token as the client that it was issued to (RFC 7009).
    pub fn revoke(self, client_id: &str, token: &str) {
        let url = format!("{}/protocol/openid-connect/revoke", self.issuer());
        let request = self
            .server
            .client
            .post(url)
            .basic_auth(client_id, Some(CLIENT_SECRET));
        http::send(request.form(&[("token", token)])).expect(200, "revocation");
    }

    /// Returns the realm's metadata as text.
    pub fn metadata(self) -> String {
        let url = format!("{}/.well-known/openid-configuration", self.issuer());
        http::send(self.server.client.get(url))
            .expect(200, "metadata")
            .body
    }

    /// Returns the realm's key set as text.
    pub fn key_set(self) -> String {
        let url = format!("{}/protocol/openid-connect/certs", self.issuer());
        http::send(self.server.client.get(url))
            .expect(200, "key set")
            .body
    }

    // ---- administration ----

    /// Adds a client. [`client`] and [`with_attributes`] return its settings.
    pub fn add_client(self, client: &Value) {
        self.create("clients", client);
    }

    /// Adds a user with both roles, and returns the user's ID.
    pub fn add_user(self, name: &str) -> String {
        // With fewer details, a user would have to complete them at the first login.
        let user = json!({
            "username": name, "enabled": true, "email": format!("{name}@example.com"), "emailVerified": true,
            "firstName": name, "lastName": "Test",
            "credentials": [{ "type": "password", "value": PASSWORD, "temporary": false }],
        });
        let id = self.create("users", &user);
        let client = self.id_of_client(API);
        for (roles, role, scope) in [
            (
                format!("clients/{client}/roles"),
                CLIENT_ROLE,
                format!("clients/{client}"),
            ),
            ("roles".to_owned(), REALM_ROLE, "realm".to_owned()),
        ] {
            let role = self.get(&format!("{roles}/{role}"));
            let path = format!("users/{id}/role-mappings/{scope}");
            self.admin(Method::POST, &path, Some(&json!([role])));
        }
        id
    }

    /// Ends all sessions of a user.
    pub fn log_out(self, user: &str) {
        self.admin(Method::POST, &format!("users/{user}/logout"), None);
    }

    /// Changes some members of a user.
    pub fn change_user(self, user: &str, members: &Value) {
        let path = format!("users/{user}");
        let mut user = self.get(&path);
        for (name, value) in members.as_object().expect("an object") {
            user[name] = value.clone();
        }
        self.put(&path, &user);
    }

    /// Changes some members of the realm.
    pub fn change(self, members: &Value) {
        self.put("", members);
    }

    /// Adds a key whose `priority` is above that of the keys so far, which are 100 or less.
    pub fn add_key(self, name: &str, priority: u32, provider: &str, settings: &Value) {
        let mut config = settings.clone();
        for (name, value) in [
            ("priority", priority.to_string()),
            ("enabled", "true".to_owned()),
            ("active", "true".to_owned()),
        ] {
            config[name] = json!([value]);
        }
        let key = json!({
            "name": name, "providerId": provider, "providerType": KEY_PROVIDER,
            "parentId": self.get("")["id"], "config": config,
        });
        self.create("components", &key);
    }

    /// Changes settings of a key: `active` decides whether it signs, `enabled` whether it is published.
    pub fn change_key(self, name: &str, settings: &[(&str, &str)]) {
        let mut key = self.key(name);
        for (name, value) in settings {
            key["config"][*name] = json!([value]);
        }
        let id = key["id"].as_str().expect("an ID");
        self.put(&format!("components/{id}"), &key);
    }

    /// Deletes a key.
    pub fn delete_key(self, name: &str) {
        let key = self.key(name);
        let id = key["id"].as_str().expect("an ID");
        self.admin(Method::DELETE, &format!("components/{id}"), None);
    }

    fn key(self, name: &str) -> Value {
        let keys = self.get(&format!("components?type={KEY_PROVIDER}"));
        let mut keys = keys.as_array().expect("a list").iter();
        let key = keys.find(|key| key["name"] == name);
        key.unwrap_or_else(|| panic!("there is no key {name}"))
            .clone()
    }

    pub(super) fn id_of_client(self, client_id: &str) -> String {
        let clients = self.get(&format!("clients?clientId={client_id}"));
        clients[0]["id"]
            .as_str()
            .expect("the client exists")
            .to_owned()
    }

    pub(super) fn get(self, path: &str) -> Value {
        self.admin(Method::GET, path, None).json()
    }

    pub(super) fn put(self, path: &str, body: &Value) {
        self.admin(Method::PUT, path, Some(body));
    }

    /// Creates something and returns its ID.
    pub(super) fn create(self, path: &str, body: &Value) -> String {
        let answer = self.admin(Method::POST, path, Some(body));
        let location = answer.location.expect("the location of what was created");
        location.rsplit('/').next().expect("an ID").to_owned()
    }

    pub(super) fn admin(self, method: Method, path: &str, body: Option<&Value>) -> http::Answer {
        let separator = if path.is_empty() { "" } else { "/" };
        self.server
            .admin(method, &format!("/{}{separator}{path}", self.name), body)
    }
}

const KEY_PROVIDER: &str = "org.keycloak.keys.KeyProvider";
const LIGHTWEIGHT: (&str, &str) = ("client.use.lightweight.access.token.enabled", "true");

/// Returns the settings of a confidential client that may use every grant of these tests and whose tokens are for
/// [`API`], with further members.
pub fn client(client_id: &str, members: &Value) -> Value {
    let mut client = json!({
        "clientId": client_id, "enabled": true, "publicClient": false, "secret": CLIENT_SECRET,
        "serviceAccountsEnabled": true, "directAccessGrantsEnabled": true, "protocolMappers": [audience(API)],
    });
    for (name, value) in members.as_object().expect("an object") {
        client[name] = value.clone();
    }
    client
}

/// Returns the settings of such a client with attributes.
pub fn with_attributes(client_id: &str, attributes: &[(&str, &str)]) -> Value {
    let attributes: Value = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    client(client_id, &json!({ "attributes": attributes }))
}

/// Returns the settings of a mapper that writes the realm roles into a claim: all of them, or one as a text.
fn realm_roles(claim: &str, all: bool) -> Value {
    json!({
        "name": format!("roles {claim}"), "protocol": "openid-connect",
        "protocolMapper": "oidc-usermodel-realm-role-mapper",
        "config": {
            "claim.name": claim, "jsonType.label": "String", "multivalued": all.to_string(),
            "access.token.claim": "true", "introspection.token.claim": "true",
        },
    })
}

/// Returns the settings of a mapper that adds a client to `aud`.
pub fn audience(client_id: &str) -> Value {
    json!({
        "name": format!("audience {client_id}"), "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.client.audience": client_id, "access.token.claim": "true", "introspection.token.claim": "true",
        },
    })
}
