//! `ProofBuilder` methods for invalid proofs.

use std::sync::Arc;

use super::ProofBuilder;
use super::compact::Seal;
use crate::keys::{Pair, random_name};

impl ProofBuilder {
    /// Signs the proof with a key other than the `jwk` in its header.
    ///
    /// For a valid proof of another client, use another [`Client`](crate::Client).
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let forged = client.proof("GET", "https://api.example.com/").foreign_key().sign();
    /// ```
    pub fn foreign_key(mut self) -> Self {
        self.seal = Seal::Foreign;
        self
    }

    /// Appends a space to the payload after signing.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let tampered = client.proof("GET", "https://api.example.com/").tampered().sign();
    /// ```
    pub fn tampered(mut self) -> Self {
        self.tampered = true;
        self
    }

    /// Omits the signature and sets `alg` to `none`.
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

    /// Signs with HS256, using the symmetric key in the proof's `jwk` (RFC 9449 §11.6).
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let symmetric = client.proof("GET", "https://api.example.com/").symmetric().sign();
    /// ```
    pub fn symmetric(mut self) -> Self {
        self.seal = Seal::Symmetric;
        self
    }

    /// Adds the private member `d` (RFC 9449 §4.3, step 7) to `jwk`, with a random value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let private = client.proof("GET", "https://api.example.com/").private_jwk().sign();
    /// ```
    pub fn private_jwk(self) -> Self {
        self.jwk_member("d", random_name())
    }

    /// Puts an RSA key of 1024 bits into `jwk` and sets `alg` to RS256. No library here signs with
    /// such a key, so the signature is random bytes.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let weak = client.proof("GET", "https://api.example.com/").weak_rsa().sign();
    /// ```
    pub fn weak_rsa(mut self) -> Self {
        self.seal = Seal::WeakRsa;
        self
    }

    /// Signs with a new P-256 key whose `x` is encoded in 31 bytes, without its leading zero
    /// (RFC 7518 §6.2.1.2 requires 32).
    ///
    /// # Panics
    ///
    /// Panics if the client's algorithm is not ES256.
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

    /// Repeats a claim, with the same value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let twice = client.proof("GET", "https://api.example.com/").twice("htm").sign();
    /// ```
    pub fn twice(mut self, claim: &str) -> Self {
        self.doubled_claims.push(claim.to_owned());
        self
    }

    /// Repeats a header parameter, with the same value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let twice = client.proof("GET", "https://api.example.com/").twice_in_header("jwk").sign();
    /// ```
    pub fn twice_in_header(mut self, name: &str) -> Self {
        self.doubled_parameters.push(name.to_owned());
        self
    }

    /// Pads the proof to at least `length` characters with an additional claim.
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

    /// Changes the bytes of the signature before they are encoded.
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
