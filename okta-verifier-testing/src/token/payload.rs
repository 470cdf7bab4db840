//! The default claims of a token.

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::Issuer;
use serde_json::{Map, Value, json};

use super::TokenBuilder;
use super::kind::Kind;
use super::provider::Provider;
use crate::keys::{fingerprint, random_bytes, random_name};
use crate::listener;

/// The format of an issuer's access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// An Okta custom authorization server.
    Okta,
    /// An issuer of RFC 9068 tokens.
    Rfc9068,
    /// Another provider.
    Of(Provider),
}

impl Profile {
    pub(crate) fn issuer(self, url: &str, audience: &str) -> Issuer {
        listener::public(url);
        listener::public(audience);
        match self {
            Self::Okta => Issuer::okta(url, audience),
            Self::Rfc9068 => Issuer::rfc9068(url, audience),
            Self::Of(provider) => provider.issuer(url, audience),
        }
    }

    /// Returns the name, for the cases of the conformance table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Okta => "Okta",
            Self::Rfc9068 => "RFC 9068",
            Self::Of(provider) => provider.name(),
        }
    }

    /// Returns the header parameters beside `alg` and `kid`.
    pub(super) fn header(self, kind: Kind, kid: &str) -> Vec<(&'static str, Value)> {
        match self {
            Self::Rfc9068 if kind != Kind::Id => vec![("typ", json!("at+jwt"))],
            Self::Okta | Self::Rfc9068 => Vec::new(),
            Self::Of(provider) => provider.header(kind, kid),
        }
    }

    /// Returns the name of the top-level claim that lists groups, or `None` if the claim is nested.
    fn groups_claim(self) -> Option<&'static str> {
        match self {
            Self::Okta | Self::Rfc9068 => Some("groups"),
            Self::Of(provider) => provider.groups_claim(),
        }
    }
}

impl TokenBuilder {
    /// Returns the payload as JSON text, with every edit applied.
    pub(super) fn payload(&self) -> Vec<u8> {
        let mut claims = match (self.kind, self.profile) {
            (_, Profile::Of(provider)) => self.provider_claims(provider),
            (Kind::Id, _) => self.id_claims(),
            #[cfg(feature = "server")]
            (Kind::Refresh, _) => self.refresh_claims(),
            (_, Profile::Okta) => self.okta_claims(),
            (_, Profile::Rfc9068) => self.rfc9068_claims(),
        };
        if let Some(name) = self.profile.groups_claim()
            && !self.groups.is_empty()
        {
            claims.insert(name.to_owned(), json!(self.groups));
        }
        self.claims.apply(&mut claims);
        Value::Object(claims).to_string().into_bytes()
    }

    /// Returns the claims of an access token as Okta documents them: `scp` is an array, the client ID
    /// is in `cid`, and the token of a user has `uid` and `auth_time`.
    fn okta_claims(&self) -> Map<String, Value> {
        let mut claims = self.registered("AT.", self.actor(), &self.audience);
        claims.insert("ver".to_owned(), json!(1));
        claims.insert("cid".to_owned(), json!(self.client_id));
        if self.kind == Kind::User {
            claims.insert("uid".to_owned(), json!(user_id(&self.subject)));
            claims.insert("auth_time".to_owned(), json!(self.issued_at));
        }
        if !self.scopes.is_empty() {
            claims.insert("scp".to_owned(), json!(self.scopes));
        }
        claims
    }

    /// Returns the claims of RFC 9068 §2.2, with `auth_time` for a user (§2.2.1) and `scope` (§2.2.3).
    fn rfc9068_claims(&self) -> Map<String, Value> {
        let mut claims = self.registered("", self.actor(), &self.audience);
        claims.insert("client_id".to_owned(), json!(self.client_id));
        if self.kind == Kind::User {
            claims.insert("auth_time".to_owned(), json!(self.issued_at));
        }
        if !self.scopes.is_empty() {
            claims.insert("scope".to_owned(), json!(self.scopes.join(" ")));
        }
        claims
    }

    /// Returns the claims of an ID token as Okta documents them. `sub` is the user ID, not the login.
    fn id_claims(&self) -> Map<String, Value> {
        let mut claims = self.registered("ID.", &user_id(&self.subject), &self.client_id);
        let more = [
            ("ver", json!(1)),
            ("amr", json!(["pwd"])),
            ("idp", json!("00o47ijbqfgnq5gj00g7")),
            ("auth_time", json!(self.issued_at)),
            ("nonce", json!(random_name())),
            // OpenID Connect Core §3.1.3.6: `at_hash` is the left half of a digest.
            ("at_hash", json!(URL_SAFE_NO_PAD.encode(random_bytes(16)))),
        ];
        claims.extend(more.map(|(name, value)| (name.to_owned(), value)));
        claims
    }

    /// Returns the claims with which Okta's introspection describes a refresh token. `iss`, `aud` and
    /// `jti` are not among them.
    #[cfg(feature = "server")]
    fn refresh_claims(&self) -> Map<String, Value> {
        let mut claims = self.okta_claims();
        for name in ["iss", "aud", "jti", "iat", "uid", "auth_time"] {
            claims.remove(name);
        }
        claims.insert("device_id".to_owned(), json!(&random_name()[..20]));
        claims
    }

    fn registered(&self, prefix: &str, subject: &str, audience: &str) -> Map<String, Value> {
        let claims = [
            ("jti", json!(format!("{prefix}{}", random_name()))),
            ("iss", json!(self.issuer)),
            ("aud", json!(audience)),
            ("sub", json!(subject)),
            ("iat", json!(self.issued_at)),
            ("exp", json!(self.expires_at)),
        ];
        claims
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }

    fn actor(&self) -> &str {
        match self.kind {
            Kind::Service => &self.client_id,
            _ => &self.subject,
        }
    }
}

/// Returns `00u` and 17 characters that depend on the subject only.
pub(crate) fn user_id(subject: &str) -> String {
    let digest = fingerprint(subject.as_bytes());
    let letters = digest.chars().filter(char::is_ascii_alphanumeric).take(17);
    "00u".chars().chain(letters).collect()
}
