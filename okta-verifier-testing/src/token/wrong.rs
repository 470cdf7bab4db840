//! Tokens that no verifier may accept.

use super::TokenBuilder;
use super::jws::{Form, Seal};

impl TokenBuilder {
    /// Signed by a key that the issuer does not publish, under the `kid` of one that it does.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let forged = okta.token("ada").foreign_key().sign();
    /// ```
    pub fn foreign_key(mut self) -> Self {
        self.seal = Seal::Foreign;
        self
    }

    /// Signed by a key that the issuer does not publish, under a new random `kid`: what a token of
    /// a rotated key looks like before the next fetch, and what a flood of garbage looks like.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let unknown = okta.token("ada").unpublished_key().sign();
    /// ```
    pub fn unpublished_key(mut self) -> Self {
        self.seal = Seal::Unpublished;
        self
    }

    /// Signed, and then `sub` is changed to `mallory`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let tampered = okta.token("ada").tampered().sign();
    /// ```
    pub fn tampered(mut self) -> Self {
        self.tampered = true;
        self
    }

    /// No signature, and `alg` is `none` (RFC 7519 §6). `.header("alg", "nOnE")` spells it otherwise.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let unsigned = okta.token("ada").unsigned().sign();
    /// assert!(unsigned.ends_with('.'));
    /// ```
    pub fn unsigned(mut self) -> Self {
        self.seal = Seal::Nothing;
        self
    }

    /// HS256, keyed with the PEM text of the published RSA key (RFC 8725 §2.1).
    ///
    /// # Panics
    ///
    /// When the issuer publishes no RSA key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let confused = okta.token("ada").hmac_with_public_key().sign();
    /// ```
    pub fn hmac_with_public_key(self) -> Self {
        let pem = self.ring.rsa_pem();
        self.hmac(pem)
    }

    /// HS256, keyed with `secret`: for other forms of a public key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let confused = okta.token("ada").hmac(okta.jwks()).sign();
    /// ```
    pub fn hmac(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.seal = Seal::Hmac(secret.into());
        self
    }

    /// Signs exactly these bytes as the header: duplicate names, bad UTF-8, trailing text.
    ///
    /// The signature is still the one of [`algorithm`](Self::algorithm), so the text should name
    /// that and the key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let twice = okta.token("ada").raw_header(r#"{"alg":"RS256","alg":"none"}"#).sign();
    /// ```
    pub fn raw_header(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(json.into());
        self
    }

    /// Signs exactly these bytes as the payload: duplicate claims, bad UTF-8, deep nesting.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let list = okta.token("ada").raw_payload("[]").sign();
    /// let bytes = okta.token("ada").raw_payload(b"{\"sub\":\"\xff\"}").sign();
    /// ```
    pub fn raw_payload(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_payload = Some(json.into());
        self
    }

    /// Changes the signature's bytes before they are encoded: too short, too long, DER, zeros.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let short = okta.token("ada").edit_signature(|bytes| bytes[1..].to_vec()).sign();
    /// ```
    pub fn edit_signature(mut self, edit: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.edit_signature = Some(edit);
        self
    }

    /// Five parts: an encrypted token (RFC 7516), as Okta makes it for an API with an encryption
    /// key. Only its header means something; the rest is random.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let encrypted = okta.token("ada").encrypted().sign();
    /// assert_eq!(encrypted.split('.').count(), 5);
    /// ```
    pub fn encrypted(mut self) -> Self {
        self.form = Form::Encrypted;
        self
    }
}
