//! The tokens of a Keycloak realm, as recorded from Keycloak 26.7.3.

use serde_json::{Value, json};

use super::{at_hash, guid, random_guid};
use crate::token::{TokenBuilder, kind::Kind};

impl TokenBuilder {
    pub(super) fn keycloak_claims(&self) -> Value {
        match self.kind {
            Kind::Id => self.keycloak_id_claims(),
            Kind::Service => self.keycloak_service_claims(),
            _ => self.keycloak_user_claims(),
        }
    }

    fn keycloak_user_claims(&self) -> Value {
        json!({
            "jti": format!("onrtro:{}", random_guid()),
            "aud": [self.audience, "account"],
            "sub": self.subject,
            "typ": "Bearer",
            "azp": self.client_id,
            "sid": guid(&self.subject),
            "acr": "1",
            "realm_access": { "roles": self.realm_roles() },
            "resource_access": { "account": { "roles": ACCOUNT_ROLES } },
            "scope": self.scopes.join(" "),
            "email_verified": true,
            "preferred_username": self.subject,
        })
    }

    /// Only the tokens of service accounts have `client_id`. Keycloak writes the ID of the account's user
    /// into `sub`.
    fn keycloak_service_claims(&self) -> Value {
        let account = self.client_id.to_lowercase();
        json!({
            "jti": format!("trrtcc:{}", random_guid()),
            "aud": [self.audience, "account"],
            "sub": guid(&self.client_id),
            "typ": "Bearer",
            "azp": self.client_id,
            "acr": "1",
            "realm_access": { "roles": self.realm_roles() },
            "resource_access": { "account": { "roles": ACCOUNT_ROLES } },
            "scope": self.scopes.join(" "),
            "email_verified": false,
            "clientHost": "127.0.0.1",
            "preferred_username": format!("service-account-{account}"),
            "clientAddress": "127.0.0.1",
            "client_id": self.client_id,
        })
    }

    fn keycloak_id_claims(&self) -> Value {
        json!({
            "jti": random_guid(),
            "aud": self.client_id,
            "sub": self.subject,
            "typ": "ID",
            "azp": self.client_id,
            "sid": guid(&self.subject),
            "at_hash": at_hash(),
            "acr": "1",
            "email_verified": true,
            "preferred_username": self.subject,
        })
    }

    /// Returns the roles that Keycloak gives every user of the realm, and the groups of the builder.
    fn realm_roles(&self) -> Vec<&str> {
        let defaults = ["offline_access", "default-roles-acme", "uma_authorization"];
        let groups = self.groups.iter().map(String::as_str);
        defaults.into_iter().chain(groups).collect()
    }
}

const ACCOUNT_ROLES: [&str; 3] = ["manage-account", "manage-account-links", "view-profile"];
