//! [`ProofError`]: why a DPoP proof was rejected.

use super::MalformedTokenError;

/// What is wrong with a DPoP proof (RFC 9449 §4.3).
///
/// ```
/// use okta_verifier::{VerifyError, error::ProofError};
///
/// let error = VerifyError::InvalidProof(ProofError::Replayed);
/// assert_eq!(error.code(), "invalid_dpop_proof");
/// assert!(error.to_string().starts_with("invalid DPoP proof: the proof was used before; "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The request has no `DPoP` header.
    #[error(
        "the request has no DPoP proof; the client must send one in the field DPoP of each request"
    )]
    Missing,
    /// The request has several `DPoP` field lines, or one line that contains a list.
    #[error("the request has several DPoP proofs")]
    Repeated,
    /// The proof is not a JWT in the strict compact form.
    #[error("the proof is malformed: {0}")]
    Malformed(MalformedTokenError),
    /// `typ` is not `dpop+jwt`.
    #[error("the proof's typ is not dpop+jwt")]
    Type,
    /// `alg` is `none`, symmetric or unknown.
    #[error("the proof's algorithm is not allowed")]
    Algorithm,
    /// `jwk` is absent, has a private member, or is not a strong public key of `alg`.
    #[error("the proof's key cannot be used")]
    Key,
    /// A required claim is absent, or a claim has the wrong type or length.
    #[error("the proof's claim `{claim}` is missing or invalid")]
    Claim {
        /// The claim's name.
        claim: &'static str,
    },
    /// The key in the proof does not verify the signature.
    #[error("the proof's signature is invalid")]
    Signature,
    /// `htm` is not the method of the request.
    #[error("the proof's htm does not match the request's method")]
    Method,
    /// `htu` is not the URL of the request.
    #[error(
        "the proof's htu does not match the request's URL; set DpopSettings::base_url to the URL that clients use; under a nested path of axum or tower, use the VerifyLayer of okta-verifier-axum, or set VerifyLayer::original_uri"
    )]
    Url,
    /// The expected `htu` is unknown: no trusted proxy sent one of the listed hosts, or the request's path
    /// has dot segments or is malformed.
    #[error("the request's external URL could not be determined")]
    UnknownUrl,
    /// `iat` is too long ago.
    #[error(
        "the proof's iat is {seconds} s in the past; the client must make a new proof for each request; if its proofs are new, correct its clock or that of this machine, or set DpopSettings::window"
    )]
    TooOld {
        /// Seconds since `iat`.
        seconds: u64,
    },
    /// `iat` is too far in the future.
    #[error(
        "the proof's iat is {seconds} s in the future; correct the clock of the client or of this machine"
    )]
    InFuture {
        /// Seconds until `iat`.
        seconds: u64,
    },
    /// `ath` is not the hash of the access token.
    #[error("the proof's ath does not match the access token")]
    TokenHash,
    /// The `jti` was used before.
    #[error(
        "the proof was used before; the client must make a new proof for each request; if every proof is rejected, the request passes two layers or middlewares that verify it: remove one"
    )]
    Replayed,
}

impl ProofError {
    /// Returns a stable code for logs and metrics, such as `replayed`.
    ///
    /// ```
    /// use okta_verifier::error::{MalformedTokenError, ProofError};
    ///
    /// assert_eq!(ProofError::Replayed.code(), "replayed");
    /// assert_eq!(ProofError::Malformed(MalformedTokenError::Parts).code(), "malformed");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Malformed(_) => "malformed",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Claim { .. } => "claim",
            Self::Signature => "signature",
            Self::Method => "method",
            Self::Url => "url",
            Self::UnknownUrl => "unknown_url",
            Self::TooOld { .. } => "too_old",
            Self::InFuture { .. } => "in_future",
            Self::TokenHash => "token_hash",
            Self::Replayed => "replayed",
        }
    }
}
