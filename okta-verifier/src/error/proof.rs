use super::MalformedToken;

/// What is wrong with a DPoP proof (RFC 9449 §4.3).
///
/// ```
/// use okta_verifier::{ProofError, VerifyError};
///
/// let error = VerifyError::InvalidProof(ProofError::Replayed);
/// assert_eq!(error.code(), "invalid_dpop_proof");
/// assert_eq!(error.to_string(), "the DPoP proof is refused: it was used before");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// There is no `DPoP` header.
    #[error("there is none")]
    Missing,
    /// More than one `DPoP` field line, or a list in one.
    #[error("there are several")]
    Repeated,
    /// Not a JWT in the strict compact form.
    #[error("it is malformed: {0}")]
    Malformed(MalformedToken),
    /// `typ` is not `dpop+jwt`.
    #[error("its typ is not dpop+jwt")]
    Type,
    /// `alg` is `none`, symmetric or unknown.
    #[error("its algorithm is not allowed")]
    Algorithm,
    /// `jwk` is absent, holds a private member, or is no strong public key of `alg`.
    #[error("its key cannot be used")]
    Key,
    /// A required claim is absent, or a claim has the wrong type or length.
    #[error("the claim `{claim}` is missing or invalid")]
    Claim {
        /// The claim's name.
        claim: &'static str,
    },
    /// The signature is not its own key's.
    #[error("its signature does not verify")]
    Signature,
    /// `htm` is another method than the request's.
    #[error("it is for another method")]
    Method,
    /// `htu` is another URL than the request's.
    #[error("it is for another URL")]
    Url,
    /// Which URL it must be for is not known: no trusted proxy names one of the listed hosts, or the
    /// request's path has dot segments.
    #[error("the URL that the request came to is not known")]
    UnknownUrl,
    /// `iat` is too long ago.
    #[error("it was made {seconds} s ago")]
    TooOld {
        /// Seconds since `iat`.
        seconds: u64,
    },
    /// `iat` is too far ahead.
    #[error("it was made {seconds} s in the future")]
    InFuture {
        /// Seconds until `iat`.
        seconds: u64,
    },
    /// `ath` is not the hash of the token beside it.
    #[error("it is for another token")]
    TokenHash,
    /// Its `jti` was used before.
    #[error("it was used before")]
    Replayed,
}
