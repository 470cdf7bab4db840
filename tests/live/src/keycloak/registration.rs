//! Clients that register themselves (RFC 7591), for a protected resource.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Realm, audience, with_attributes};

const POLICY: &str = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

/// The client that stands for the protected resource, and the scope that adds it to the audience.
const RESOURCE_SERVER: &str = "mcp-server";
const AUDIENCE_SCOPE: &str = "mcp-audience";

impl Realm<'_> {
    /// Lets clients of this machine register themselves, without consent, and adds the scopes of a protected resource
    /// (RFC 8707).
    pub fn admit_registration(self, resource: &str, scopes: &[&str]) {
        self.add_client(&with_attributes(
            RESOURCE_SERVER,
            &[("resource_url", resource)],
        ));
        let scope = |name: &str, visible: bool, mappers: Value| {
            json!({
                "name": name, "protocol": "openid-connect", "protocolMappers": mappers,
                "attributes": { "include.in.token.scope": visible.to_string() },
            })
        };
        let mapper = json!([audience(RESOURCE_SERVER)]);
        self.create("client-scopes", &scope(AUDIENCE_SCOPE, false, mapper));
        for name in scopes {
            self.create("client-scopes", &scope(name, true, json!([])));
        }

        let hosts = json!({
            "trusted-hosts": ["127.0.0.1"], "host-sending-registration-request-must-match": ["true"],
            "client-uris-must-match": ["true"],
        });
        self.change_policy("trusted-hosts", &hosts);
        let allowed = json!({ "allow-default-scopes": ["true"], "allowed-client-scopes": scopes });
        self.change_policy("allowed-client-templates", &allowed);
        let consent = self.policy("consent-required");
        let id = consent["id"].as_str().expect("an ID");
        self.admin(Method::DELETE, &format!("components/{id}"), None);
    }

    /// Gives a client that has registered itself what it needs for tokens of the protected resource.
    ///
    /// Keycloak gives a client that registers with `scope` these scopes as optional ones, and no default scope. It issues
    /// tokens for a resource only if the client of the resource is in the audience already.
    pub fn admit_client(self, client_id: &str, scopes: &[&str]) {
        let client = self.id_of_client(client_id);
        let all = self.get("client-scopes");
        let id = |name: &str| {
            let mut all = all.as_array().expect("a list").iter();
            let scope = all.find(|one| one["name"] == name);
            let scope = scope.unwrap_or_else(|| panic!("there is no scope {name}"));
            scope["id"].as_str().expect("an ID").to_owned()
        };
        let defaults = [AUDIENCE_SCOPE, "basic"].map(|name| ("default", name));
        let optional = scopes.iter().map(|name| ("optional", *name));
        for (kind, name) in defaults.into_iter().chain(optional) {
            let path = format!("clients/{client}/{kind}-client-scopes/{}", id(name));
            self.put(&path, &json!({}));
        }
    }

    fn change_policy(self, provider: &str, config: &Value) {
        let mut policy = self.policy(provider);
        policy["config"] = config.clone();
        let id = policy["id"].as_str().expect("an ID");
        self.put(&format!("components/{id}"), &policy);
    }

    /// Returns a policy for registrations without credentials.
    fn policy(self, provider: &str) -> Value {
        let all = self.get(&format!("components?type={POLICY}"));
        let mut all = all.as_array().expect("a list").iter();
        let policy = all.find(|one| one["providerId"] == provider && one["subType"] == "anonymous");
        policy
            .unwrap_or_else(|| panic!("there is no policy {provider}"))
            .clone()
    }
}
