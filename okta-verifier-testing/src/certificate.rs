//! `Certificate`: the certificate of a client or a server, for mutual TLS (RFC 8705).

use rcgen::{CertifiedKey, KeyPair};

/// A self-signed certificate with a new P-256 key.
///
/// ```
/// use okta_verifier_testing::{Certificate, TestIssuer};
///
/// let okta = TestIssuer::new("https://orders.example");
/// let client = Certificate::new("client-1");
/// let bound = okta.token("ada").bound_to_certificate(client.der()).sign();
/// ```
#[derive(Debug)]
pub struct Certificate {
    der: Vec<u8>,
    pem: String,
    key: KeyPair,
}

impl Certificate {
    /// Creates a self-signed certificate for the name of a client, such as `client-1`, or of a server,
    /// such as `localhost` or `127.0.0.1`. The certificate is its own trust anchor.
    ///
    /// # Panics
    ///
    /// Panics if `name` is neither a DNS name nor an IP address.
    ///
    /// ```
    /// let server = okta_verifier_testing::Certificate::new("localhost");
    /// assert!(server.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    /// ```
    #[must_use]
    pub fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]);
        let CertifiedKey { cert, signing_key } = made.unwrap_or_else(|error| {
            panic!(
                "`{name}` is not a valid certificate name: {error}; use a DNS name or an IP address"
            )
        });
        Self {
            der: cert.der().to_vec(),
            pem: cert.pem(),
            key: signing_key,
        }
    }

    /// Returns the certificate in DER.
    ///
    /// ```
    /// assert_eq!(okta_verifier_testing::Certificate::new("client-1").der()[0], 0x30);
    /// ```
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the certificate in PEM.
    ///
    /// ```
    /// let client = okta_verifier_testing::Certificate::new("client-1");
    /// let for_curl = format!("{}{}", client.pem(), client.key_pem());
    /// ```
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the private key, as PKCS #8 in DER.
    ///
    /// ```
    /// assert_eq!(okta_verifier_testing::Certificate::new("client-1").key_der()[0], 0x30);
    /// ```
    #[must_use]
    pub fn key_der(&self) -> &[u8] {
        self.key.serialized_der()
    }

    /// Returns the private key, as PKCS #8 in PEM.
    ///
    /// ```
    /// let key = okta_verifier_testing::Certificate::new("client-1").key_pem();
    /// assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    /// ```
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}
