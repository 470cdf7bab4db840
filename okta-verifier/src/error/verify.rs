use std::time::Duration;

use super::{FetchError, ProofError};

/// Why a token was refused, or could not be judged.
///
/// For logs and metrics: the peer is told a fixed phrase only.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, VerifyError};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
///
/// let error = verifier.verify(&okta.token("ada").expired().sign()).await.unwrap_err();
/// assert!(matches!(error, VerifyError::Expired { .. }));
/// assert_eq!(error.code(), "expired");
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not a JWT in the strict compact form.
    #[error("malformed token: {0}")]
    Malformed(MalformedToken),
    /// Five parts: an encrypted token (RFC 7516), which this verifier cannot read.
    #[error("the token is encrypted")]
    Encrypted,
    /// `alg` is `none`, symmetric, unknown or not allowed for the issuer.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// `alg` is not the one of the key (RFC 8725 §3.1).
    #[error("the token's algorithm is not its key's")]
    AlgorithmMismatch,
    /// `typ` says that it is another kind of JWT (RFC 8725 §3.11).
    #[error("the token's typ is not an access token's")]
    TypeNotAllowed,
    /// The header has no `kid`.
    #[error("the token names no key")]
    MissingKeyId,
    /// The issuer publishes no key with this `kid`.
    #[error("the issuer publishes no such key")]
    UnknownKeyId,
    /// The signature is not the key's over this token.
    #[error("the signature does not verify")]
    BadSignature,
    /// No configured issuer has this `iss`, to the letter.
    #[error("the token's issuer is not configured")]
    UnknownIssuer,
    /// `iss` is the org authorization server's: only Okta may judge its tokens.
    #[error("the token is one of the org authorization server; ask a custom one for it")]
    OrgAuthorizationServer,
    /// A required claim is absent.
    #[error("the claim `{claim}` is missing")]
    MissingClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// A claim has a type or a value that its definition forbids, or contradicts another one.
    #[error("the claim `{claim}` is invalid")]
    InvalidClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// `exp` and the leeway have passed.
    #[error("the token expired {seconds} s ago")]
    Expired {
        /// Seconds since `exp`.
        seconds: u64,
    },
    /// `nbf` is ahead by more than the leeway.
    #[error("the token is valid in {seconds} s only")]
    NotYetValid {
        /// Seconds until `nbf`.
        seconds: u64,
    },
    /// `iat` is ahead by more than the leeway.
    #[error("the token was issued {seconds} s in the future")]
    IssuedInFuture {
        /// Seconds until `iat`.
        seconds: u64,
    },
    /// `aud` does not hold the expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// An ID token, or another JWT that is no access token, by its shape.
    #[error("the token is no access token")]
    NotAnAccessToken,
    /// The client id is not one of the configured ones.
    #[error("the token's client is not allowed")]
    ClientNotAllowed,
    /// The token is bound to a key or certificate (`cnf`) that nothing here has checked.
    #[error("the token is sender-constrained, and its binding was not checked")]
    BindingUnchecked,
    /// The token is bound to a key (`cnf.jkt`) and came with the scheme `Bearer`: only with a
    /// proof does it show that it was not stolen (RFC 9449 §7.2).
    #[error("the token is bound to a key, and came without the scheme DPoP")]
    BoundTokenAsBearer,
    /// The token came with the scheme `DPoP` and is bound to no key (RFC 9449 §7.1).
    #[error("the token came with the scheme DPoP, and is bound to no key")]
    NotBound,
    /// The token is bound to another key or another certificate than the caller's.
    #[error("the token is bound to another key or certificate")]
    BindingMismatch,
    /// The token is bound to a certificate, and the caller showed none, or several.
    #[error("the token is bound to a certificate, and the caller showed none that can be used")]
    NoCertificate,
    /// The DPoP proof beside the token is refused.
    #[error("the DPoP proof is refused: {0}")]
    InvalidProof(ProofError),
    /// The DPoP proof has no nonce, or an old one (RFC 9449 §9). The answer brings a new one.
    #[error("the DPoP proof has no nonce that is valid now")]
    NonceRequired,
    /// The issuer says that the token is not active: revoked, expired, or none of its own
    /// (RFC 7662 §2.2).
    #[error("the issuer says that the token is not active")]
    Inactive,
    /// What must be asked has no answer: the issuer, for its keys or for the token's state, or the
    /// store of used DPoP proofs. The token was not judged to its end. Not the caller's fault.
    #[error("the token could not be verified")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// Why.
        source: FetchError,
    },
}

impl VerifyError {
    /// A stable word for metrics and alerts, such as `expired`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Encrypted => "encrypted",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::MissingKeyId => "missing_key_id",
            Self::UnknownKeyId => "unknown_key_id",
            Self::BadSignature => "bad_signature",
            Self::UnknownIssuer => "unknown_issuer",
            Self::OrgAuthorizationServer => "org_authorization_server",
            Self::MissingClaim { .. } => "missing_claim",
            Self::InvalidClaim { .. } => "invalid_claim",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::IssuedInFuture { .. } => "issued_in_future",
            Self::WrongAudience => "wrong_audience",
            Self::NotAnAccessToken => "not_an_access_token",
            Self::ClientNotAllowed => "client_not_allowed",
            Self::BindingUnchecked => "binding_unchecked",
            Self::BoundTokenAsBearer => "bound_token_as_bearer",
            Self::NotBound => "not_bound",
            Self::BindingMismatch => "binding_mismatch",
            Self::NoCertificate => "no_certificate",
            Self::InvalidProof(_) => "invalid_dpop_proof",
            Self::NonceRequired => "use_dpop_nonce",
            Self::Inactive => "inactive",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

impl VerifyError {
    pub(crate) const fn unavailable(retry_after: Duration, source: FetchError) -> Self {
        Self::Unavailable {
            retry_after,
            source,
        }
    }
}

impl From<MalformedToken> for VerifyError {
    fn from(reason: MalformedToken) -> Self {
        Self::Malformed(reason)
    }
}

impl From<ProofError> for VerifyError {
    fn from(reason: ProofError) -> Self {
        Self::InvalidProof(reason)
    }
}

/// What is wrong with the form of a token (RFC 7515 §5.2, RFC 7519 §7.2).
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{MalformedToken, Verifier, VerifyError};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let twice = okta.token("ada").raw_payload(r#"{"sub":"ada","sub":"root"}"#).sign();
/// for (text, reason) in [
///     ("not a token", MalformedToken::Alphabet),
///     ("an-opaque-one", MalformedToken::Parts), // unless the issuer is asked about those
///     (&twice, MalformedToken::DuplicateMember), // two readers might read two subjects
/// ] {
///     let error = verifier.verify(text).await.unwrap_err();
///     assert!(matches!(error, VerifyError::Malformed(it) if it == reason));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedToken {
    /// More bytes than the cap: of a token
    /// [`VerifierBuilder::max_token_size`](crate::VerifierBuilder::max_token_size), of a DPoP proof
    /// 16 KiB.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// A character outside `A-Z a-z 0-9 - _ .`.
    #[error("it has a character that no JWT has")]
    Alphabet,
    /// Neither three nor five parts.
    #[error("it does not have three parts")]
    Parts,
    /// Not canonical base64url: padding, a wrong length or stray bits.
    #[error("a part is not canonical base64url")]
    Base64,
    /// The header or the payload is not one JSON object in UTF-8.
    #[error("a part is not a JSON object")]
    Json,
    /// A member occurs twice, also when one is written with escapes.
    #[error("a member occurs twice")]
    DuplicateMember,
    /// Objects and arrays nested deeper than 16 levels.
    #[error("the JSON is nested deeper than 16 levels")]
    TooDeep,
    /// A header parameter of the wrong type.
    #[error("a header parameter is invalid")]
    Header,
    /// A `kid` of more than 256 bytes.
    #[error("the kid is longer than 256 bytes")]
    KeyIdTooLong,
    /// `crit` or `b64` asks for an extension (RFC 7515 §4.1.11, RFC 7797 §6).
    #[error("the header demands an extension")]
    Extension,
    /// `cty` announces a nested JWT.
    #[error("the payload is another JWT")]
    Nested,
}

/// A claim that does not fit the type it was read as. Holds no value.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let token = verifier.verify(&okta.token("ada").claim("salary", "a secret").sign()).await?;
/// let error = token.claim::<u64>("salary").unwrap_err();
/// assert_eq!(error.to_string(), r#"the claim "salary" does not fit the requested type"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} not fit the requested type", self.subject())]
pub struct ClaimError {
    /// `None`: the claims as a whole.
    name: Option<String>,
}

impl ClaimError {
    pub(crate) fn claim(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
        }
    }

    pub(crate) const fn whole() -> Self {
        Self { name: None }
    }

    fn subject(&self) -> String {
        match &self.name {
            Some(name) => format!("the claim {name:?} does"),
            None => "the claims do".to_owned(),
        }
    }
}
