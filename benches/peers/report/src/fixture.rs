//! One issuer, and the tokens it makes.

use okta_verifier_testing::{CLIENT_ID, MockOkta, Rotation, TokenBuilder};
use protocol::Settings;
use serde_json::Value;

use crate::roster::Contestant;

/// A loopback issuer with one RSA key, in this process: it counts the fetches.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) okta: MockOkta,
    /// 950 bytes, 12 claims, RS256.
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

    /// A token that differs from the good one in what `edit` does.
    pub(crate) fn like(&self, edit: impl FnOnce(TokenBuilder) -> TokenBuilder) -> String {
        edit(ordinary(&self.okta, 0)).sign()
    }

    /// Tokens under as many key names that nobody publishes.
    pub(crate) fn unknown_kids(&self, count: usize) -> Vec<String> {
        let unknown = |_| self.like(TokenBuilder::unpublished_key);
        (0..count).map(unknown).collect()
    }

    /// Publishes a new key beside the old one. A token of the new key.
    pub(crate) fn rotate(&self) -> String {
        self.okta.rotate(Rotation::Overlap);
        keep_rs256(&self.okta);
        self.like(|token| token)
    }
}

/// Some peers refuse a whole set for the sake of one key that they cannot use.
fn keep_rs256(okta: &MockOkta) {
    let set: Value = serde_json::from_str(&okta.jwks()).expect("a JWK set");
    let keys = set["keys"].as_array().into_iter().flatten();
    for key in keys.filter(|key| key["alg"] != "RS256") {
        okta.withdraw(key["kid"].as_str().unwrap_or_default());
    }
}

/// What Okta puts into a user's token, `padding` characters more.
fn ordinary(okta: &MockOkta, padding: usize) -> TokenBuilder {
    okta.token("ada.lovelace@example.com")
        .scope("openid")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("x".repeat(padding + 1))
}

/// Base64url skips one length in four: the first that is not shorter.
fn of_length(okta: &MockOkta, length: usize) -> String {
    let mut tokens = (0..).map(|padding| ordinary(okta, padding).sign());
    tokens
        .find(|it| it.len() >= length)
        .expect("an endless row")
}

const LENGTH: usize = 950;

/// The default of [`MockOkta`].
const AUDIENCE: &str = "api://default";
