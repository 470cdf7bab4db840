//! Tokens that are bound to a client certificate (RFC 8705 §3). The certificate comes from the TLS session
//! or, if a trusted proxy terminates TLS, from `Client-Cert` (RFC 9440).
//!
//! [`VerifierBuilder::client_certificates`](crate::VerifierBuilder::client_certificates) accepts the
//! [`ClientCertificate`] of the TLS session, and
//! [`VerifierBuilder::client_cert_header`](crate::VerifierBuilder::client_cert_header) accepts the
//! certificate in a header of a trusted proxy.
//!
//! ```
//! use okta_verifier::mtls::ClientCertificate;
//!
//! let der = [0x30, 0x00]; // the first of rustls's `peer_certificates()`
//! let mut request = http::Request::get("/orders").body(())?;
//! request.extensions_mut().insert(ClientCertificate::new(der)); // the adapters read it
//! # Ok::<(), http::Error>(())
//! ```

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::crypto::sha256;

/// The client certificate of the TLS session (RFC 8705 §3). A server inserts the certificate into the
/// request's extensions, and the adapters pass it on. The certificate is ignored without
/// [`VerifierBuilder::client_certificates`](crate::VerifierBuilder::client_certificates).
///
/// The certificate must be in DER, and must be the certificate that the TLS library verified for the peer.
/// With rustls, this is the first of `peer_certificates()`. `Debug` does not show the certificate.
///
/// ```
/// use okta_verifier::mtls::ClientCertificate;
///
/// let der = [0x30, 0x00]; // from the TLS session
/// let certificate = ClientCertificate::new(der);
/// assert_eq!(certificate.der(), der);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    /// Wraps the end-entity certificate in DER, without the rest of its chain.
    pub fn new(der: impl AsRef<[u8]>) -> Self {
        Self(der.as_ref().into())
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

/// Returns the `x5t#S256` hash of a certificate (RFC 8705 §3.1), or `None` if `der` is not a certificate.
pub(crate) fn thumbprint(der: &[u8]) -> Option<[u8; 32]> {
    is_certificate(der).then(|| sha256(der))
}

/// Returns the DER of the certificate in a `Client-Cert` value (RFC 9440 §2.1), or `None` if the value is
/// malformed. The value must be a single byte sequence between colons, without parameters.
pub(crate) fn decode(value: &[u8]) -> Option<Vec<u8>> {
    let base64 = value.strip_prefix(b":")?.strip_suffix(b":")?;
    if base64.len() > MAX_BASE64 {
        return None;
    }
    STANDARD.decode(base64).ok()
}

/// Checks the outer form of a certificate (RFC 5280 §4.1): one sequence of two sequences and a bit string,
/// and nothing after it. The TLS handshake has verified the certificate, and only its hash is used here.
fn is_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let parts = |der| {
        let (certificate, rest) = element(der, SEQUENCE)?;
        let (_, inner) = element(certificate, SEQUENCE)?;
        let (_, inner) = element(inner, SEQUENCE)?;
        let (_, inner) = element(inner, BIT_STRING)?;
        Some(rest.is_empty() && inner.is_empty())
    };
    parts(der).unwrap_or(false)
}

/// Returns the content of one DER element (X.690 §10.1) and the bytes after it. Returns `None` if `der`
/// does not begin with an element with this tag. The length must be definite and in the shortest form.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7F => (usize::from(length), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            let long = digits
                .iter()
                .fold(0, |number, digit| number << 8 | usize::from(*digit));
            let shortest = digits.first().is_some_and(|digit| *digit != 0) && long > 0x7F;
            (shortest.then_some(long)?, rest)
        }
        _ => return None,
    };
    (first == tag).then_some(rest.split_at_checked(length)?)
}

/// The maximum length in base64, for a certificate of 12 KiB. Servers rarely accept longer headers.
const MAX_BASE64: usize = 16 * 1024;

#[cfg(test)]
mod tests;
