//! How a token says it was signed: its header.

use okta_verifier::Algorithm;
use serde::Serialize;

use super::TokenBuilder;

impl TokenBuilder {
    /// Signs with `algorithm`, really, and says so in `alg`. Default: RS256.
    ///
    /// The key is the issuer's for that algorithm. Where it publishes none, the token names the key
    /// of the same family (an RS384 token the RS256 key, which then signs it), and a token that no
    /// published key can sign gets a foreign signature. To change only what the header says use
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

    /// Sets `typ`. Default: none at Okta, `at+jwt` in RFC 9068.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let event = okta.token("ada").typ("secevent+jwt").sign();
    /// ```
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Sets `kid`, and signs with the key it would have signed with. Default: that key's name.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let odd = okta.token("ada").key_id("../../etc/passwd").sign();
    /// ```
    pub fn key_id(self, kid: &str) -> Self {
        self.header("kid", kid)
    }

    /// Sets a header parameter to any value; the signature covers it and does not follow it.
    ///
    /// # Panics
    ///
    /// When `value` has no JSON form.
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

    /// Takes a header parameter away: `kid`, `typ`, `alg`.
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
