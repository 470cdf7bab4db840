//! The tokens of other authorization servers. Those of Ory Hydra were recorded from Hydra 2.3.0; the
//! others follow the documentation of the provider.

use serde_json::{Value, json};

use super::{TENANT, at_hash, guid, nonce, random_guid};
use crate::{
    keys::random_name,
    token::{TokenBuilder, kind::Kind},
};

impl TokenBuilder {
    /// The default token profile of Auth0, without `jti`.
    pub(super) fn auth0_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "aud": self.client_id,
                "sub": self.subject,
                "sid": random_name(),
                "nonce": nonce(),
            }),
            Kind::Service => json!({
                "aud": self.audience,
                "sub": format!("{}@clients", self.client_id),
                "azp": self.client_id,
                "gty": "client-credentials",
                "scope": self.scope_text(),
            }),
            _ => json!({
                "aud": [self.audience, format!("{}userinfo", self.issuer)],
                "sub": self.subject,
                "azp": self.client_id,
                "scope": self.scope_text(),
            }),
        }
    }

    /// An access token of Cognito has no `aud`.
    pub(super) fn cognito_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "jti": random_guid(),
                "aud": self.client_id,
                "sub": self.subject,
                "token_use": "id",
                "auth_time": self.issued_at,
                "cognito:username": self.subject,
                "at_hash": at_hash(),
                "origin_jti": random_guid(),
                "event_id": random_guid(),
            }),
            Kind::Service => json!({
                "jti": random_guid(),
                "sub": self.client_id,
                "client_id": self.client_id,
                "token_use": "access",
                "auth_time": self.issued_at,
                "scope": self.scope_text(),
                "version": 2,
            }),
            _ => json!({
                "jti": random_guid(),
                "sub": self.subject,
                "client_id": self.client_id,
                "token_use": "access",
                "auth_time": self.issued_at,
                "scope": self.scope_text(),
                "username": self.subject,
                "origin_jti": random_guid(),
                "event_id": random_guid(),
                "version": 2,
            }),
        }
    }

    pub(super) fn hydra_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "jti": random_guid(),
                "aud": [self.client_id],
                "sub": self.subject,
                "at_hash": at_hash(),
                "auth_time": self.issued_at,
                "nonce": nonce(),
                "rat": self.issued_at,
                "sid": random_guid(),
            }),
            kind => json!({
                "jti": random_guid(),
                "aud": [self.audience],
                "client_id": self.client_id,
                "nbf": self.issued_at,
                "scp": self.scopes,
                "sub": self.subject_of(kind),
            }),
        }
    }

    /// A token of a machine has no `sub`.
    pub(super) fn duende_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "aud": self.client_id,
                "sub": self.subject,
                "nbf": self.issued_at,
                "nonce": nonce(),
                "at_hash": at_hash(),
                "sid": random_name(),
                "auth_time": self.issued_at,
                "idp": "local",
                "amr": ["pwd"],
            }),
            Kind::Service => json!({
                "jti": random_name(),
                "aud": self.audience,
                "nbf": self.issued_at,
                "client_id": self.client_id,
                "scope": self.scope_list(),
            }),
            _ => json!({
                "jti": random_name(),
                "aud": self.audience,
                "nbf": self.issued_at,
                "client_id": self.client_id,
                "scope": self.scope_list(),
                "sub": self.subject,
                "auth_time": self.issued_at,
                "idp": "local",
                "amr": ["pwd"],
                "sid": random_name(),
            }),
        }
    }

    /// By default `aud` is the client. The audience of the API is configured at its application.
    pub(super) fn wso2_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "jti": random_guid(),
                "aud": [self.client_id],
                "sub": self.subject,
                "azp": self.client_id,
                "nbf": self.issued_at,
                "nonce": nonce(),
                "at_hash": at_hash(),
                "amr": ["BasicAuthenticator"],
                "sid": random_guid(),
            }),
            kind => json!({
                "jti": random_guid(),
                "aud": [self.client_id, self.audience],
                "sub": self.subject_of(kind),
                "azp": self.client_id,
                "client_id": self.client_id,
                "nbf": self.issued_at,
                "aut": match kind {
                    Kind::Service => "APPLICATION",
                    _ => "APPLICATION_USER",
                },
                "scope": self.scope_text(),
            }),
        }
    }

    /// A token of a machine has neither `sub` nor `sid`.
    pub(super) fn pingone_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "jti": random_guid(),
                "aud": self.client_id,
                "sub": self.subject,
                "acr": "Single_Factor",
                "amr": ["pwd"],
                "auth_time": self.issued_at,
                "at_hash": at_hash(),
                "nonce": nonce(),
                "env": TENANT,
                "org": guid("acme"),
                "sid": random_guid(),
            }),
            Kind::Service => json!({
                "jti": random_guid(),
                "aud": [self.audience],
                "client_id": self.client_id,
                "scope": self.scope_text(),
            }),
            _ => json!({
                "jti": random_guid(),
                "aud": [self.audience],
                "sub": self.subject,
                "client_id": self.client_id,
                "scope": self.scope_text(),
                "sid": random_guid(),
            }),
        }
    }

    /// The `aud` of an ID token has the project too, if the client asks for it.
    pub(super) fn zitadel_claims(&self) -> Value {
        match self.kind {
            Kind::Id => json!({
                "aud": [self.client_id, self.audience],
                "sub": self.subject,
                "azp": self.client_id,
                "client_id": self.client_id,
                "amr": ["pwd"],
                "auth_time": self.issued_at,
                "at_hash": at_hash(),
                "nonce": nonce(),
            }),
            kind => json!({
                "jti": format!("V2_{}", random_name()),
                "aud": [self.client_id, self.audience],
                "sub": self.subject_of(kind),
                "client_id": self.client_id,
                "nbf": self.issued_at,
                "scope": self.scope_text(),
            }),
        }
    }

    fn subject_of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Service => &self.client_id,
            _ => &self.subject,
        }
    }
}
