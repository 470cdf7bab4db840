//! The header of a token.

use okta_verifier::Algorithm;
use serde::Serialize;

use super::TokenBuilder;

impl TokenBuilder {
    /// Signs with `algorithm`, and sets `alg` to it. The default is RS256.
    ///
    /// The key is the issuer's key for that algorithm. If the issuer publishes none, the token names the
    /// key of the same family: an RS384 token names the RS256 key, which then signs it. If no published
    /// key can sign the token, it gets the signature of a foreign key. To change only the header, use
    /// [`header`](Self::header).
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// use okta_verifier::Algorithm;
    ///
    /// let jwt = okta.token("ada").algorithm(Algorithm::ES256).sign();
    /// ```
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Sets `typ`. By default there is none for Okta, and `at+jwt` for RFC 9068.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.token("ada").typ("secevent+jwt").sign();
    /// ```
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Sets `kid` without changing the signing key. The default is the ID of that key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let odd = okta.token("ada").key_id("../../etc/passwd").sign();
    /// ```
    pub fn key_id(self, kid: &str) -> Self {
        self.header("kid", kid)
    }

    /// Sets a header parameter to any value. The signature covers it but is not changed to match it.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let critical = okta.token("ada").header("crit", ["exp"]).sign();
    /// let confused = okta.token("ada").header("alg", "RS512").sign();
    /// ```
    pub fn header(mut self, name: &str, value: impl Serialize) -> Self {
        self.header.set(name, value);
        self
    }

    /// Removes a header parameter, such as `kid`, `typ` or `alg`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let nameless = okta.token("ada").without_header("kid").sign();
    /// ```
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }
}
