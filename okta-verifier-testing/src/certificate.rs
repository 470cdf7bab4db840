//! `Certificate`: the certificate of a client or a server, for mutual TLS (RFC 8705).

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

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

    /// Creates a certificate authority and the certificate of a server with these names, such as
    /// `localhost` or `127.0.0.1`. Returns the certificate of the authority in PEM, for clients to trust,
    /// and that of the server. The authority is limited to these names, and its key is discarded.
    ///
    /// # Panics
    ///
    /// Panics if `names` is empty, or if a name is neither a DNS name nor an IP address.
    ///
    /// ```
    /// use okta_verifier_testing::Certificate;
    ///
    /// let (authority, server) = Certificate::with_authority(["localhost", "127.0.0.1"]);
    /// assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
    /// assert_ne!(authority, server.pem());
    /// ```
    pub fn with_authority<N: Into<String>>(names: impl IntoIterator<Item = N>) -> (String, Self) {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        assert!(!names.is_empty(), "a server needs at least one name");
        Self::issue(&names).unwrap_or_else(|error| {
            panic!(
                "one of the names {names:?} is not valid: {error}; use DNS names and IP addresses"
            )
        })
    }

    fn issue(names: &[String]) -> Result<(String, Self), rcgen::Error> {
        let mut server = CertificateParams::new(names)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "okta-verifier mock");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;

        let mut authority = CertificateParams::default();
        authority
            .distinguished_name
            .push(DnType::CommonName, "okta-verifier mock authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // A client that trusts the authority for longer than intended trusts it for these names only.
        authority.name_constraints = Some(NameConstraints {
            permitted_subtrees: server
                .subject_alt_names
                .iter()
                .filter_map(subtree)
                .collect(),
            excluded_subtrees: Vec::new(),
        });

        let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let cert = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
        let certificate = Self {
            der: cert.der().to_vec(),
            pem: cert.pem(),
            key,
        };
        Ok((authority_pem, certificate))
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

fn subtree(name: &SanType) -> Option<GeneralSubtree> {
    match name {
        SanType::DnsName(name) => Some(GeneralSubtree::DnsName(name.to_string())),
        SanType::IpAddress(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let subnet = CidrSubnet::from_addr_prefix(*address, bits);
            Some(GeneralSubtree::IpAddress(subnet))
        }
        _ => None,
    }
}
