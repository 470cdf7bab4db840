//! `TokenBuilder` methods for invalid tokens, and for encrypted tokens.

use super::TokenBuilder;
use super::jws::{Form, Seal};

impl TokenBuilder {
    /// Signs with a key that the issuer does not publish, under the `kid` of a published key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let forged = okta.token("ada").foreign_key().sign();
    /// ```
    pub fn foreign_key(mut self) -> Self {
        self.seal = Seal::Foreign;
        self
    }

    /// Signs with a key that the issuer does not publish, under a new random `kid`. A verifier cannot
    /// tell such a token from one that is signed with a new key of the issuer that the verifier has not
    /// fetched yet.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let unknown = okta.token("ada").unpublished_key().sign();
    /// ```
    pub fn unpublished_key(mut self) -> Self {
        self.seal = Seal::Unpublished;
        self
    }

    /// Changes `sub` to `mallory` after signing.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let tampered = okta.token("ada").tampered().sign();
    /// ```
    pub fn tampered(mut self) -> Self {
        self.tampered = true;
        self
    }

    /// Omits the signature and sets `alg` to `none` (RFC 7519 §6). Use `.header("alg", "nOnE")` for
    /// another spelling.
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

    /// Signs with HS256. The secret is the PEM text of the published RSA key (RFC 8725 §2.1).
    ///
    /// # Panics
    ///
    /// Panics if the issuer publishes no RSA key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let confused = okta.token("ada").hmac_with_public_key().sign();
    /// ```
    pub fn hmac_with_public_key(self) -> Self {
        let pem = self.ring.rsa_pem();
        self.hmac(pem)
    }

    /// Signs with HS256 and `secret`, which may be another encoding of a public key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let confused = okta.token("ada").hmac(okta.jwks()).sign();
    /// ```
    pub fn hmac(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.seal = Seal::Hmac(secret.into());
        self
    }

    /// Signs exactly these bytes as the header. Use it for duplicate names, invalid UTF-8 or trailing
    /// text.
    ///
    /// The bytes do not change how the token is signed: the key and the [`algorithm`](Self::algorithm)
    /// are the same as without this method. For a signature that a verifier accepts, write the matching
    /// `alg` and `kid` into the header.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let twice = okta.token("ada").raw_header(r#"{"alg":"RS256","alg":"none"}"#).sign();
    /// ```
    pub fn raw_header(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(json.into());
        self
    }

    /// Signs exactly these bytes as the payload. Use it for duplicate claims, invalid UTF-8 or deep
    /// nesting.
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

    /// Changes the bytes of the signature before they are encoded, for example to DER or to a wrong
    /// length.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let short = okta.token("ada").edit_signature(|bytes| bytes[1..].to_vec()).sign();
    /// ```
    pub fn edit_signature(mut self, edit: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.edit_signature = Some(edit);
        self
    }

    /// Builds an encrypted token of five parts (RFC 7516), as Okta does for an API with an encryption
    /// key. Only the header is real; the other parts are random.
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
