//! Proofs that no verifier may accept.

use std::sync::Arc;

use super::ProofBuilder;
use super::compact::Seal;
use crate::keys::{Pair, random_name};

impl ProofBuilder {
    /// Signed by another key than the `jwk` that it shows.
    ///
    /// For a sound proof of somebody else use another [`Client`](crate::Client).
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let forged = client.proof("GET", "https://api.example.com/").foreign_key().sign();
    /// ```
    pub fn foreign_key(mut self) -> Self {
        self.seal = Seal::Foreign;
        self
    }

    /// Signed, and then its payload gets a space at its end.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let tampered = client.proof("GET", "https://api.example.com/").tampered().sign();
    /// ```
    pub fn tampered(mut self) -> Self {
        self.tampered = true;
        self
    }

    /// No signature, and `alg` is `none`.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let unsigned = client.proof("GET", "https://api.example.com/").unsigned().sign();
    /// assert!(unsigned.ends_with('.'));
    /// ```
    pub fn unsigned(mut self) -> Self {
        self.seal = Seal::Nothing;
        self
    }

    /// HS256, keyed with the symmetric key that its `jwk` shows (RFC 9449 §11.6).
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let symmetric = client.proof("GET", "https://api.example.com/").symmetric().sign();
    /// ```
    pub fn symmetric(mut self) -> Self {
        self.seal = Seal::Symmetric;
        self
    }

    /// Its `jwk` has the private member `d` (RFC 9449 §4.3, 7), with a random value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let private = client.proof("GET", "https://api.example.com/").private_jwk().sign();
    /// ```
    pub fn private_jwk(self) -> Self {
        self.jwk_member("d", random_name())
    }

    /// RS256 under an RSA key of 1024 bits that nobody can sign with: random bytes are the
    /// signature.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let weak = client.proof("GET", "https://api.example.com/").weak_rsa().sign();
    /// ```
    pub fn weak_rsa(mut self) -> Self {
        self.seal = Seal::WeakRsa;
        self
    }

    /// Really signed, by a new P-256 key whose `x` is written in 31 bytes, without its leading
    /// zero (RFC 7518 §6.2.1.2 wants 32).
    ///
    /// # Panics
    ///
    /// When the client's algorithm is not ES256.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let short = client.proof("GET", "https://api.example.com/").short_coordinate().sign();
    /// ```
    pub fn short_coordinate(mut self) -> Self {
        let (pair, x) = Pair::with_short_x(self.algorithm);
        self.pair = Arc::new(pair);
        self.jwk_member("x", x)
    }

    /// A claim twice, with the same value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let twice = client.proof("GET", "https://api.example.com/").twice("htm").sign();
    /// ```
    pub fn twice(mut self, claim: &str) -> Self {
        self.doubled_claims.push(claim.to_owned());
        self
    }

    /// A header parameter twice, with the same value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let twice = client.proof("GET", "https://api.example.com/").twice_in_header("jwk").sign();
    /// ```
    pub fn twice_in_header(mut self, name: &str) -> Self {
        self.doubled_parameters.push(name.to_owned());
        self
    }

    /// At least so many characters long, by one more claim.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let long = client.proof("GET", "https://api.example.com/").padded_to(16 * 1024 + 1).sign();
    /// assert!(long.len() > 16 * 1024);
    /// ```
    pub fn padded_to(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    /// Signs exactly these bytes as the header.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let list = client.proof("GET", "https://api.example.com/").raw_header("[]").sign();
    /// ```
    pub fn raw_header(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(json.into());
        self
    }

    /// Signs exactly these bytes as the payload.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let list = client.proof("GET", "https://api.example.com/").raw_payload("[]").sign();
    /// ```
    pub fn raw_payload(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_payload = Some(json.into());
        self
    }

    /// Changes the signature's bytes before they are encoded.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/");
    /// let short = proof.edit_signature(|bytes| bytes[1..].to_vec()).sign();
    /// ```
    pub fn edit_signature(mut self, edit: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.edit_signature = Some(edit);
        self
    }
}
