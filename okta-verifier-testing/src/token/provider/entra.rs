//! The tokens of Microsoft Entra ID, after the reference of its access token claims and ID token claims.

use serde_json::{Value, json};

use super::{TENANT, guid, nonce, tenant_in};
use crate::{
    keys::random_name,
    token::{TokenBuilder, kind::Kind},
};

impl TokenBuilder {
    pub(super) fn entra_v2_claims(&self) -> Value {
        let tenant = tenant_in(&self.issuer).unwrap_or(TENANT);
        let person = format!("{}@acme.example", self.subject);
        match self.kind {
            Kind::Id => json!({
                "aud": self.client_id,
                "nbf": self.issued_at,
                "name": self.subject,
                "nonce": nonce(),
                "oid": guid(&self.subject),
                "preferred_username": person,
                "sub": self.subject,
                "tid": tenant,
                "uti": &random_name()[..22],
                "ver": "2.0",
            }),
            // `idtyp` is an optional claim of the app registration.
            Kind::Service => json!({
                "aud": self.audience,
                "nbf": self.issued_at,
                "azp": self.client_id,
                "azpacr": "1",
                "idtyp": "app",
                "oid": guid(&self.client_id),
                "sub": guid(&self.client_id),
                "tid": tenant,
                "uti": &random_name()[..22],
                "ver": "2.0",
            }),
            _ => json!({
                "aud": self.audience,
                "nbf": self.issued_at,
                "azp": self.client_id,
                "azpacr": "0",
                "name": self.subject,
                "oid": guid(&self.subject),
                "preferred_username": person,
                "scp": self.scope_text(),
                "sub": self.subject,
                "tid": tenant,
                "uti": &random_name()[..22],
                "ver": "2.0",
            }),
        }
    }

    pub(super) fn entra_v1_claims(&self) -> Value {
        let tenant = tenant_in(&self.issuer).unwrap_or(TENANT);
        let person = format!("{}@acme.example", self.subject);
        match self.kind {
            Kind::Id => json!({
                "aud": self.client_id,
                "nbf": self.issued_at,
                "amr": ["pwd"],
                "name": self.subject,
                "nonce": nonce(),
                "oid": guid(&self.subject),
                "sub": self.subject,
                "tid": tenant,
                "unique_name": person,
                "upn": person,
                "uti": &random_name()[..22],
                "ver": "1.0",
            }),
            Kind::Service => json!({
                "aud": self.audience,
                "nbf": self.issued_at,
                "appid": self.client_id,
                "appidacr": "1",
                "idp": self.issuer,
                "idtyp": "app",
                "oid": guid(&self.client_id),
                "sub": guid(&self.client_id),
                "tid": tenant,
                "uti": &random_name()[..22],
                "ver": "1.0",
            }),
            _ => json!({
                "aud": self.audience,
                "nbf": self.issued_at,
                "acr": "1",
                "amr": ["pwd"],
                "appid": self.client_id,
                "appidacr": "0",
                "name": self.subject,
                "oid": guid(&self.subject),
                "scp": self.scope_text(),
                "sub": self.subject,
                "tid": tenant,
                "unique_name": person,
                "upn": person,
                "uti": &random_name()[..22],
                "ver": "1.0",
            }),
        }
    }
}
