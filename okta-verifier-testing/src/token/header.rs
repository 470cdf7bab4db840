//! `TokenBuilder` methods that set the header.

use okta_verifier::Algorithm;
use serde::Serialize;

use super::TokenBuilder;

impl TokenBuilder {
    /// Signs with `algorithm`, and sets `alg` to it. The default is the algorithm of the issuer's first
    /// key, which is RS256 unless the issuer has other keys.
    ///
    /// The token is signed with the issuer's key for that algorithm. If the issuer has no such key, the
    /// token names a key of the same family, or else the default key: an RS384 token names the RS256
    /// key, which then signs it. If the named key cannot sign with the algorithm, a key that the issuer
    /// does not publish signs the token. To change only the header, use [`header`](Self::header).
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

    /// Sets `typ`. By default Okta's tokens have no `typ`, and RFC 9068 tokens have `at+jwt`. Those of
    /// other providers have the `typ` that the provider writes.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.token("ada").typ("secevent+jwt").sign();
    /// ```
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Sets `kid` without changing the signing key. The default is the ID of the signing key.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let odd = okta.token("ada").key_id("../../etc/passwd").sign();
    /// ```
    pub fn key_id(self, kid: &str) -> Self {
        self.header("kid", kid)
    }

    /// Sets a header parameter to any value. The value does not change how the token is signed: the key
    /// and the algorithm are the same as without this method, so `alg` or `kid` may no longer match the
    /// signature.
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
