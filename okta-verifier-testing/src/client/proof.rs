//! `ProofBuilder`: builds a valid DPoP proof; each method changes one part of it.

use std::sync::Arc;

use okta_verifier::Algorithm;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Client;
use super::compact::Seal;
use crate::edits::Edits;
use crate::keys::{Pair, fingerprint, random_name};
use crate::token::unix_now;

/// A builder for DPoP proofs (RFC 9449 §4.2). The proof is valid unless a method changes it.
///
/// If two methods set the same part, the last one wins. However, [`claim`](Self::claim) and
/// [`without`](Self::without) override [`token`](Self::token), [`issued_at`](Self::issued_at) and
/// [`aged`](Self::aged). [`raw_header`](Self::raw_header) and [`raw_payload`](Self::raw_payload)
/// override all methods for the header and for claims.
///
/// ```
/// # let jwt = "a.b.c";
/// let client = okta_verifier_testing::Client::new();
/// let proof = || client.proof("GET", "https://api.example.com/orders").token(jwt);
/// let good = proof().sign();
/// let old = proof().aged(301).sign();
/// let for_another_method = proof().htm("POST").sign();
/// ```
#[derive(Clone, Debug)]
#[must_use = "the builder does nothing until `.sign()` is called"]
pub struct ProofBuilder {
    pub(super) algorithm: Algorithm,
    pub(super) pair: Arc<Pair>,
    method: String,
    url: String,
    pub(super) token: Option<String>,
    issued_at: u64,
    pub(super) claims: Edits,
    pub(super) header: Edits,
    pub(super) jwk: Edits,
    pub(super) seal: Seal,
    pub(super) doubled_claims: Vec<String>,
    pub(super) doubled_parameters: Vec<String>,
    pub(super) raw_header: Option<Vec<u8>>,
    pub(super) raw_payload: Option<Vec<u8>>,
    pub(super) tampered: bool,
    pub(super) length: usize,
    pub(super) edit_signature: Option<fn(Vec<u8>) -> Vec<u8>>,
}

impl ProofBuilder {
    pub(super) fn new(client: &Client, method: &str, url: &str) -> Self {
        let end = url.find(['?', '#']).unwrap_or(url.len());
        Self {
            algorithm: client.algorithm,
            pair: Arc::clone(&client.pair),
            method: method.to_owned(),
            url: url[..end].to_owned(),
            token: None,
            issued_at: unix_now(),
            claims: Edits::default(),
            header: Edits::default(),
            jwk: Edits::default(),
            seal: Seal::Own,
            doubled_claims: Vec::new(),
            doubled_parameters: Vec::new(),
            raw_header: None,
            raw_payload: None,
            tampered: false,
            length: 0,
            edit_signature: None,
        }
    }

    /// Sets `ath` to the SHA-256 of the token that the request carries. By default the proof has no
    /// `ath`, as in a request to the token endpoint.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").token("a.b.c").sign();
    /// ```
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sets `nonce` to the value that the server sent. By default the proof has none.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").nonce("n-0S6").sign();
    /// ```
    pub fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", nonce)
    }

    /// Sets `htm`. The default is the request's method.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").htm("get").sign();
    /// ```
    pub fn htm(self, method: &str) -> Self {
        self.claim("htm", method)
    }

    /// Sets `htu` to `url`, unchanged. The default is the request's URL without query and fragment.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/");
    /// let proof = proof.htu("https://api.example.com/?page=2").sign();
    /// ```
    pub fn htu(self, url: &str) -> Self {
        self.claim("htu", url)
    }

    /// Sets `jti`, for example to send two proofs with the same one. The default is a new random value.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = || client.proof("GET", "https://api.example.com/").jti("once");
    /// let (first, second) = (proof().sign(), proof().sign());
    /// ```
    pub fn jti(self, jti: &str) -> Self {
        self.claim("jti", jti)
    }

    /// Sets `iat`, in Unix seconds. The default is the time at which the builder was created.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").issued_at(1_562_262_618).sign();
    /// ```
    pub fn issued_at(mut self, unix_seconds: u64) -> Self {
        self.issued_at = unix_seconds;
        self
    }

    /// Moves `iat` back by `seconds`, or forward if `seconds` is negative.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = || client.proof("GET", "https://api.example.com/");
    /// let (old, from_the_future) = (proof().aged(301).sign(), proof().aged(-61).sign());
    /// ```
    pub fn aged(self, seconds: i64) -> Self {
        let issued_at = self.issued_at.saturating_add_signed(-seconds);
        self.issued_at(issued_at)
    }

    /// Sets a claim to any value, of the right type or a wrong one: `htm`, `htu`, `iat`, `jti`, `ath`,
    /// `nonce`, or another.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").claim("iat", "now").sign();
    /// ```
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        self.claims.set(name, value);
        self
    }

    /// Removes a claim.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").without("jti").sign();
    /// ```
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    /// Sets `typ`. The default is `dpop+jwt`.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").typ("at+jwt").sign();
    /// ```
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Sets a header parameter to any value. The signature covers this value, but the signing key and
    /// algorithm do not change.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").header("crit", ["b64"]).sign();
    /// ```
    pub fn header(mut self, name: &str, value: impl Serialize) -> Self {
        self.header.set(name, value);
        self
    }

    /// Removes a header parameter, such as `typ`, `alg` or `jwk`.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").without_header("jwk").sign();
    /// ```
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Sets a member of the header's `jwk`. The signing key does not change.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").jwk_member("use", "enc").sign();
    /// ```
    pub fn jwk_member(mut self, name: &str, value: impl Serialize) -> Self {
        self.jwk.set(name, value);
        self
    }

    /// Removes a member of the header's `jwk`.
    ///
    /// ```
    /// # let client = okta_verifier_testing::Client::new();
    /// let proof = client.proof("GET", "https://api.example.com/").without_jwk_member("y").sign();
    /// ```
    pub fn without_jwk_member(mut self, name: &str) -> Self {
        self.jwk.remove(name);
        self
    }

    pub(super) fn own_claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("jti".to_owned(), json!(random_name()));
        claims.insert("htm".to_owned(), json!(self.method));
        claims.insert("htu".to_owned(), json!(self.url));
        claims.insert("iat".to_owned(), json!(self.issued_at));
        if let Some(token) = &self.token {
            claims.insert("ath".to_owned(), json!(fingerprint(token.as_bytes())));
        }
        claims
    }
}
