//! The supported signature algorithms, and sets of algorithms.

use std::{fmt, str::FromStr};

use crate::error::ConfigError;

/// A signature algorithm that a token may be signed with (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// All variants are asymmetric. There is no variant for `none` or HMAC, so no setting can allow them (RFC
/// 8725 §3.1).
///
/// ```
/// use okta_verifier::Algorithm;
///
/// assert_eq!("ES256".parse::<Algorithm>().unwrap(), Algorithm::ES256);
/// assert!("HS256".parse::<Algorithm>().is_err());
/// assert_eq!("Ed25519".parse::<Algorithm>().unwrap().name(), "EdDSA"); // one key, two names
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, the algorithm of Okta's tokens.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519. The name `Ed25519` of RFC 9864 is accepted too.
    EdDSA,
}

impl Algorithm {
    const ALL: [Self; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// Returns the name of the algorithm, as it is written in `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    pub(crate) const fn is_rsa(self) -> bool {
        matches!(
            self,
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512
        )
    }

    /// Returns the names of all algorithms, separated by spaces.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(" ")
    }

    /// Parses the name of an algorithm. Returns `None` for an unsupported name. Names are case-sensitive
    /// (RFC 7515 §4.1.1), so `rs256` is not supported.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::named(name).ok_or_else(|| ConfigError::Algorithm {
            name: name.to_owned(),
        })
    }
}

/// The set of algorithms that an issuer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithms(u16);

impl Algorithms {
    pub(crate) const ALL: Self = Self(u16::MAX);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn with(self, algorithm: Algorithm) -> Self {
        Self(self.0 | 1 << algorithm as u16)
    }

    pub(crate) fn allow(self, algorithm: Algorithm) -> bool {
        self.0 & 1 << algorithm as u16 != 0
    }

    /// Returns the names of the algorithms in the set.
    #[cfg(feature = "explain")]
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let all = Algorithm::ALL.into_iter();
        all.filter(move |algorithm| self.allow(*algorithm))
            .map(Algorithm::name)
    }

    /// Returns the RSA algorithm of the set, or `None` unless the set has exactly one.
    pub(crate) fn only_rsa(self) -> Option<Algorithm> {
        let mut rsa = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| algorithm.is_rsa() && self.allow(*algorithm));
        rsa.next().filter(|_| rsa.next().is_none())
    }
}
