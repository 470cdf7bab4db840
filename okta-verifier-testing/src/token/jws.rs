//! Writes a token in compact form (RFC 7515 §7.1) and signs it.

use aws_lc_rs::hmac;
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{Profile, TokenBuilder};
use crate::keys::{Key, foreign, random_bytes, random_name};
use crate::listener;

/// The form of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A signed JWT of three parts, which any party can read.
    Signed,
    /// An encrypted token of five parts (RFC 7516), which only the API and the issuer can read.
    Encrypted,
    /// An opaque token: a random string, which only the issuer can resolve.
    #[cfg_attr(
        not(feature = "server"),
        expect(dead_code, reason = "only the server introspects")
    )]
    Opaque,
}

/// What the third part of the token contains.
#[derive(Clone, Debug)]
pub(super) enum Seal {
    /// A signature with a published key. If this key cannot sign with the token's algorithm, a key that
    /// the issuer does not publish signs the token.
    Published,
    /// A signature with a key that the issuer does not publish, under the `kid` of a published key.
    Foreign,
    /// A signature with a key that the issuer does not publish, under a new `kid`.
    Unpublished,
    /// An empty signature; `alg` is `none`.
    Nothing,
    /// An HMAC; `alg` is `HS256`.
    Hmac(Vec<u8>),
}

impl TokenBuilder {
    /// Signs the token and returns it in compact form.
    ///
    /// # Panics
    ///
    /// Panics if the issuer has no signing key because all were withdrawn.
    ///
    /// ```
    /// let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let jwt = okta.token("ada").scope("orders:read").sign();
    /// let authorization = format!("Bearer {jwt}");
    /// ```
    #[must_use]
    pub fn sign(self) -> String {
        let payload = self.raw_payload.clone().unwrap_or_else(|| self.payload());
        let token = match self.form {
            Form::Signed => self.seal_in_three_parts(&payload),
            Form::Encrypted => self.seal_in_five_parts(),
            Form::Opaque => random_name(),
        };
        listener::secret(&token);
        // An opaque or encrypted token does not contain the payload, so the payload is reported
        // separately.
        listener::secret(&payload);
        if let Some(register) = &self.register
            && !self.revoked
        {
            register.enter(&token, &payload);
        }
        token
    }

    fn seal_in_three_parts(&self, payload: &[u8]) -> String {
        let key = self.ring.signer(self.algorithm);
        let header = self
            .raw_header
            .clone()
            .unwrap_or_else(|| self.header_of(key));
        let input = format!("{}.{}", encode(&header), encode(payload));
        let mut signature = self.signature(key, input.as_bytes());
        if let Some(edit) = self.edit_signature {
            signature = edit(signature);
        }
        let input = match self.tampered {
            true => format!("{}.{}", encode(&header), encode(&tamper(payload.to_vec()))),
            false => input,
        };
        format!("{input}.{}", encode(&signature))
    }

    pub(super) fn header_of(&self, key: &Key) -> Vec<u8> {
        let alg = match &self.seal {
            Seal::Nothing => "none".to_owned(),
            Seal::Hmac(_) => "HS256".to_owned(),
            _ => self.algorithm.unwrap_or(key.algorithm).to_string(),
        };
        let kid = match &self.seal {
            Seal::Unpublished => random_name(),
            _ => key.kid.clone(),
        };
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!(alg));
        header.insert("kid".to_owned(), json!(kid));
        for (name, value) in self.profile.header(self.kind, &kid) {
            header.insert(name.to_owned(), value);
        }
        self.header.apply(&mut header);
        Value::Object(header).to_string().into_bytes()
    }

    fn signature(&self, key: &Key, input: &[u8]) -> Vec<u8> {
        let algorithm = self.algorithm.unwrap_or(key.algorithm);
        match &self.seal {
            Seal::Published if key.pair.fits(algorithm) => key.pair.sign(algorithm, input),
            Seal::Published | Seal::Foreign | Seal::Unpublished => {
                foreign(algorithm).sign(algorithm, input)
            }
            Seal::Nothing => Vec::new(),
            Seal::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, input).as_ref().to_vec()
            }
        }
    }

    /// Returns header, encrypted key, initialization vector, ciphertext and tag (RFC 7516 §7.1). All
    /// parts except the header are random, because the token is never decrypted.
    fn seal_in_five_parts(&self) -> String {
        let key = self.ring.signer(self.algorithm);
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!("RSA-OAEP-256"));
        header.insert("enc".to_owned(), json!("A256GCM"));
        header.insert("cty".to_owned(), json!("JWT"));
        header.insert("kid".to_owned(), json!(key.kid));
        self.header.apply(&mut header);
        let header = Value::Object(header).to_string().into_bytes();
        let header = self.raw_header.clone().unwrap_or(header);
        let parts = [
            header,
            random_bytes(256),
            random_bytes(12),
            random_bytes(700),
            random_bytes(16),
        ];
        parts.map(|part| encode(&part)).join(".")
    }
}

/// Changes `sub`. If the payload is not a JSON object, appends a space instead.
fn tamper(mut payload: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<Map<String, Value>>(&payload) {
        Ok(mut claims) => {
            claims.insert("sub".to_owned(), json!("mallory"));
            Value::Object(claims).to_string().into_bytes()
        }
        Err(_) => {
            payload.push(b' ');
            payload
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Methods for the conformance cases. Some cases need JSON text that a `Value` cannot express:
/// duplicate members, escapes, unusual numbers.
impl TokenBuilder {
    /// Builds a token in the format of another provider, with the keys, the issuer and the audience of this
    /// one.
    pub(crate) fn in_format_of(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Returns the issuer's audience, even if an edit has changed the token's `aud`.
    pub(crate) fn own_audience(&self) -> &str {
        &self.audience
    }

    /// Returns the issuer, even if an edit has changed the token's `iss`.
    pub(crate) fn own_issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs the result of `rewrite` as the header. Later edits of the header have no effect.
    pub(crate) fn rewrite_header<T: Into<Vec<u8>>>(self, rewrite: impl Fn(String) -> T) -> Self {
        let header = self.header_of(self.ring.signer(self.algorithm));
        self.raw_header(rewrite(text(header)))
    }

    /// Signs the result of `rewrite` as the payload. Later edits of the claims have no effect.
    pub(crate) fn rewrite_payload<T: Into<Vec<u8>>>(self, rewrite: impl Fn(String) -> T) -> Self {
        let payload = self.payload();
        self.raw_payload(rewrite(text(payload)))
    }
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("serde_json writes UTF-8")
}
