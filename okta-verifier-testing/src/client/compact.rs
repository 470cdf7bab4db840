//! Writes a proof in compact form and signs it.

use aws_lc_rs::hmac;
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::ProofBuilder;
use crate::keys::{foreign, random_bytes};
use crate::listener;

/// What the third part of the proof contains.
#[derive(Clone, Debug)]
pub(super) enum Seal {
    /// A signature with the client's key.
    Own,
    /// A signature with a key other than the one in the header.
    Foreign,
    /// An empty signature; `alg` is `none`.
    Nothing,
    /// An HMAC under the `oct` key in the header; `alg` is `HS256`.
    Symmetric,
    /// Random bytes instead of a signature. The header has an RSA key of 1024 bits, and `alg` is `RS256`.
    WeakRsa,
}

impl ProofBuilder {
    /// Signs the proof and returns it in compact form.
    ///
    /// ```
    /// let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("POST", "https://api.example.com/orders").sign();
    /// assert_eq!(proof.split('.').count(), 3);
    /// ```
    #[must_use]
    pub fn sign(self) -> String {
        let secret = random_bytes(32);
        let mut header = self.own_header(&secret);
        self.header.apply(&mut header);
        let header = match &self.raw_header {
            Some(raw) => raw.clone(),
            None => written(header, &self.doubled_parameters),
        };
        let mut claims = self.own_claims();
        self.claims.apply(&mut claims);
        let mut payload = match &self.raw_payload {
            Some(raw) => raw.clone(),
            None => self.padded(claims, header.len()),
        };
        let input = format!("{}.{}", encode(&header), encode(&payload));
        let mut signature = self.signature(&secret, input.as_bytes());
        if let Some(edit) = self.edit_signature {
            signature = edit(signature);
        }
        if self.tampered {
            payload.push(b' ');
        }
        let proof = [header, payload, signature].map(|it| encode(&it)).join(".");
        listener::secret(&proof);
        proof
    }

    fn own_header(&self, secret: &[u8]) -> Map<String, Value> {
        let (alg, mut jwk) = match self.seal {
            Seal::Own | Seal::Foreign => (self.algorithm.to_string(), self.pair.jwk()),
            Seal::Nothing => ("none".to_owned(), self.pair.jwk()),
            Seal::Symmetric => (
                "HS256".to_owned(),
                json!({ "k": encode(secret), "kty": "oct" }),
            ),
            Seal::WeakRsa => ("RS256".to_owned(), weak_rsa()),
        };
        if let Value::Object(members) = &mut jwk {
            self.jwk.apply(members);
        }
        let header = [
            ("typ", json!("dpop+jwt")),
            ("alg", json!(alg)),
            ("jwk", jwk),
        ];
        header
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }

    fn signature(&self, secret: &[u8], input: &[u8]) -> Vec<u8> {
        match self.seal {
            Seal::Own => self.pair.sign(self.algorithm, input),
            Seal::Foreign => foreign(self.algorithm).sign(self.algorithm, input),
            Seal::Nothing => Vec::new(),
            Seal::Symmetric => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, input).as_ref().to_vec()
            }
            Seal::WeakRsa => random_bytes(128),
        }
    }

    /// Returns the payload. If a length was requested, an additional claim pads the whole proof to it.
    fn padded(&self, mut claims: Map<String, Value>, header: usize) -> Vec<u8> {
        if self.length > 0 {
            let written = written(claims.clone(), &self.doubled_claims).len();
            // Base64url encodes three bytes as four characters. The calculation ignores the signature
            // and the dots, so the proof may be longer than requested, but not shorter.
            let missing = (self.length * 3 / 4).saturating_sub(header + written);
            claims.insert("pad".to_owned(), json!("p".repeat(missing)));
        }
        written(claims, &self.doubled_claims)
    }
}

/// Returns an object as JSON text in which each member in `doubled` appears a second time, at the end.
fn written(object: Map<String, Value>, doubled: &[String]) -> Vec<u8> {
    let again = doubled.iter().map(|name| {
        let value = object.get(name).unwrap_or(&Value::Null);
        format!(",{}:{value}", json!(name))
    });
    let again: String = again.collect();
    let mut text = Value::Object(object).to_string();
    text.truncate(text.len() - 1);
    (text + &again + "}").into_bytes()
}

/// Returns the JWK of a 1024-bit RSA key whose modulus is all ones. No library here generates such a
/// key, so there is no private key for it.
fn weak_rsa() -> Value {
    // In base64url, `_` encodes six one bits, and `8` encodes the remaining four of the 1024.
    json!({ "e": "AQAB", "kty": "RSA", "n": "_".repeat(170) + "8" })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
