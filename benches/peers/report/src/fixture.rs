//! An issuer and its tokens.

use okta_verifier_testing::{CLIENT_ID, MockOkta, Rotation, TokenBuilder};
use protocol::Settings;
use serde_json::Value;

use crate::roster::Contestant;

/// An issuer on loopback with one RSA key, which runs in this process and counts fetches.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) okta: MockOkta,
    /// A token with 950 bytes, 12 claims and RS256.
    pub(crate) token: String,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let okta = MockOkta::start().await;
        keep_rs256(&okta);
        let token = of_length(&okta, LENGTH);
        Self { okta, token }
    }

    pub(crate) fn settings(&self, contestant: &Contestant) -> Settings {
        let issuer = self.okta.issuer_url();
        Settings {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{issuer}/v1/keys"),
            jwks: self.okta.jwks(),
            audience: AUDIENCE.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            cached: contestant.cached,
        }
    }

    /// Returns the good token, changed by `edit`.
    pub(crate) fn like(&self, edit: impl FnOnce(TokenBuilder) -> TokenBuilder) -> String {
        edit(ordinary(&self.okta, 0)).sign()
    }

    /// Returns tokens with distinct unknown key IDs.
    pub(crate) fn unknown_kids(&self, count: usize) -> Vec<String> {
        let unknown = |_| self.like(TokenBuilder::unpublished_key);
        (0..count).map(unknown).collect()
    }

    /// Publishes a new key in addition to the old one, and returns a token that the new key signed.
    pub(crate) fn rotate(&self) -> String {
        self.okta.rotate(Rotation::Overlap);
        keep_rs256(&self.okta);
        self.like(|token| token)
    }
}

/// Removes the keys that are not for RS256: some peers reject a whole key set if they cannot use one
/// key.
fn keep_rs256(okta: &MockOkta) {
    let set: Value = serde_json::from_str(&okta.jwks()).expect("the text is a JWK set");
    let keys = set["keys"].as_array().into_iter().flatten();
    for key in keys.filter(|key| key["alg"] != "RS256") {
        okta.withdraw(key["kid"].as_str().unwrap_or_default());
    }
}

/// Returns a user's token as Okta issues it, with `padding` additional characters.
fn ordinary(okta: &MockOkta, padding: usize) -> TokenBuilder {
    okta.token("ada.lovelace@example.com")
        .scope("openid")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("x".repeat(padding + 1))
}

/// Returns the first token of at least this length. An exact match may not exist: base64url has no text
/// of every length.
fn of_length(okta: &MockOkta, length: usize) -> String {
    let mut tokens = (0..).map(|padding| ordinary(okta, padding).sign());
    tokens
        .find(|it| it.len() >= length)
        .expect("the iterator is infinite")
}

const LENGTH: usize = 950;

/// The default audience of [`MockOkta`].
const AUDIENCE: &str = "api://default";
