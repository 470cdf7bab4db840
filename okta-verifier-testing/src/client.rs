//! `Client`: the holder of the key to which tokens are bound.

mod compact;
mod proof;
mod wrong;

use std::sync::Arc;

use okta_verifier::Algorithm;

use crate::keys::{Pair, Slot};
use crate::token::TokenBuilder;
pub use proof::ProofBuilder;

/// A client that holds one key, for sender-constrained tokens (RFC 9449).
///
/// `Clone` shares the key.
///
/// ```
/// use okta_verifier_testing::{Client, TestIssuer};
///
/// let okta = TestIssuer::new("api://orders");
/// let client = Client::new();
///
/// let jwt = client.bind(okta.token("ada").scope("orders:read")).sign();
/// let proof = client.proof("GET", "https://api.example.com/orders").token(&jwt).sign();
/// let request = format!("GET /orders HTTP/1.1\r\nAuthorization: DPoP {jwt}\r\nDPoP: {proof}\r\n\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    algorithm: Algorithm,
    pair: Arc<Pair>,
}

impl Client {
    /// Creates a client with a new ES256 key.
    ///
    /// ```
    /// let client = okta_verifier_testing::Client::new();
    /// assert_eq!(client.thumbprint().len(), 43);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_algorithm(Algorithm::ES256)
    }

    /// Creates a client with a new key for `algorithm`. Generating an RSA key takes a noticeable part
    /// of a second.
    ///
    /// ```
    /// use okta_verifier::Algorithm;
    /// use okta_verifier_testing::Client;
    ///
    /// assert!(Client::with_algorithm(Algorithm::EdDSA).jwk().contains("Ed25519"));
    /// ```
    #[must_use]
    pub fn with_algorithm(algorithm: Algorithm) -> Self {
        let pair = Arc::new(Pair::new(algorithm, Slot::Client));
        Self { algorithm, pair }
    }

    /// Returns the RFC 7638 thumbprint of the client's key. A token that is bound to the key has this
    /// thumbprint in `cnf.jkt`.
    ///
    /// ```
    /// # use okta_verifier_testing::Client;
    /// assert_ne!(Client::new().thumbprint(), Client::new().thumbprint());
    /// ```
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.pair.thumbprint()
    }

    /// Returns the client's public key: a JWK as JSON text, with the members of RFC 7638 §3.2 only.
    ///
    /// ```
    /// # use okta_verifier_testing::Client;
    /// assert!(Client::new().jwk().starts_with(r#"{"crv":"P-256","kty":"EC","#));
    /// ```
    #[must_use]
    pub fn jwk(&self) -> String {
        self.pair.jwk().to_string()
    }

    /// Binds a token to the client's key: sets `cnf` to `{"jkt": …}` with the thumbprint.
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # let okta = TestIssuer::new("api://orders");
    /// let client = Client::new();
    /// let mine = client.bind(okta.token("ada")).sign();
    /// let stolen_by = Client::new();
    /// let useless = stolen_by.proof("GET", "https://api.example.com/orders").token(&mine).sign();
    /// ```
    pub fn bind(&self, token: TokenBuilder) -> TokenBuilder {
        token.bound_to(&self.thumbprint())
    }

    /// Returns a builder for a valid proof for one request, issued now, with a new `jti`. For a
    /// request with a token, also call [`token`](ProofBuilder::token).
    ///
    /// The proof's `htu` is `url` without its query and fragment (RFC 9449 §4.2).
    ///
    /// ```
    /// # use okta_verifier_testing::Client;
    /// # let jwt = "a.b.c";
    /// let proof = Client::new().proof("GET", "https://api.example.com/orders?page=2");
    /// let proof = proof.token(jwt).nonce("from the last response").sign();
    /// ```
    pub fn proof(&self, method: &str, url: &str) -> ProofBuilder {
        ProofBuilder::new(self, method, url)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}
