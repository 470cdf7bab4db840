//! [`VerifyError`]: why a token was rejected or could not be verified.

use std::time::Duration;

use super::{ProofError, UnavailableReason};

/// Why a token was rejected, or could not be verified.
///
/// The error is for logs and metrics. The response contains only a fixed description (RFC 6750 §5.2).
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
    /// The token is not a JWT in the strict compact form.
    #[error("the token is malformed: {0}")]
    Malformed(MalformedTokenError),
    /// The token has five parts, like an encrypted JWT (RFC 7516), and no issuer introspects it.
    #[error("the token is encrypted")]
    Encrypted,
    /// `alg` is `none`, symmetric, unknown or not allowed for the issuer.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// `alg` is not the algorithm of the key (RFC 8725 §3.1).
    #[error("the token's algorithm does not match the key's")]
    AlgorithmMismatch,
    /// `typ` is not that of an access token (RFC 8725 §3.11), or is absent although the issuer's profile
    /// requires it.
    #[error(
        "the token's typ is not that of an access token of this issuer; the client must send its access token; if every token is rejected, use the constructor of the provider, such as Issuer::okta, keycloak or auth0, because Issuer::rfc9068 requires the typ at+jwt"
    )]
    TypeNotAllowed,
    /// The header has no `kid`, although the issuer's settings require a `kid`.
    #[error("the token has no key ID (`kid`)")]
    MissingKeyId,
    /// The issuer publishes no key with this `kid`, or has withdrawn the key. If the `kid` is published
    /// for other algorithms only, the error is [`AlgorithmMismatch`](Self::AlgorithmMismatch).
    #[error("the issuer publishes no key with the token's key ID and algorithm")]
    UnknownKeyId,
    /// The issuer's key does not verify the token's signature.
    #[error("the token's signature is invalid")]
    BadSignature,
    /// No configured issuer has exactly this `iss`, and the [`IssuerResolver`](crate::IssuerResolver), if
    /// there is one, does not know it.
    #[error(
        "the token names an issuer that is not configured; if the issuer is yours, write it exactly as in `iss`, with the constructor of its provider, such as Issuer::okta, keycloak or auth0, or with .also_known_as(..) if it is another name of a configured issuer"
    )]
    UnknownIssuer,
    /// `iss` is an Okta org authorization server, whose access tokens only Okta may verify.
    #[error(
        "the token names the org authorization server as its issuer, whose tokens are for Okta's own APIs; the client must request its token from a custom authorization server, whose URL has the path /oauth2/{{id}}"
    )]
    OrgAuthorizationServer,
    /// A required claim is absent.
    #[error("the claim `{claim}` is missing")]
    MissingClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// A claim has a type or a value that its definition forbids, or contradicts another claim.
    #[error("the claim `{claim}` is invalid")]
    InvalidClaim {
        /// The claim's name.
        claim: &'static str,
    },
    /// `exp` plus the leeway has passed.
    #[error("the token expired {seconds} s ago")]
    Expired {
        /// Seconds since `exp`.
        seconds: u64,
    },
    /// `nbf` is in the future by more than the leeway.
    #[error("the token is not valid for another {seconds} s")]
    NotYetValid {
        /// Seconds until `nbf`.
        seconds: u64,
    },
    /// `iat` is in the future by more than the leeway.
    #[error("the token was issued {seconds} s in the future")]
    IssuedInFuture {
        /// Seconds until `iat`.
        seconds: u64,
    },
    /// `aud` does not contain the expected audience.
    #[error(
        "the token is for another audience; the client must send the access token for this API, not an ID token; if every token is rejected, write the `aud` of the access tokens in the constructor of the issuer, in OKTA_AUDIENCE or in `audiences` of the settings file, and in .audience(..) of the layer and of the resource, if there is one; do not write the ID of the client that requests them"
    )]
    WrongAudience,
    /// The claims are those of an ID token or of another JWT that is not an access token.
    #[error(
        "the token is not an access token; the client must send its access token, not its ID token"
    )]
    NotAnAccessToken,
    /// The client ID is not one of the configured client IDs.
    #[error(
        "the token's client is not allowed; if the client may call this API, add its ID with .client_id(..), in OKTA_CLIENT_IDS or in `client_ids` of the settings file"
    )]
    ClientNotAllowed,
    /// The binding of the token (`cnf`) could not be checked: no setting accepts it, the `cnf` is not
    /// supported, the introspection response has none although it decides alone, or the token was verified
    /// without a request.
    #[error(
        "the binding of the token could not be checked: no setting accepts it (VerifierBuilder::dpop, client_certificates or client_cert_header), its `cnf` is not supported, the introspection response has no `cnf`, or the token was verified without its request (use a layer or Verifier::authenticate)"
    )]
    BindingUnchecked,
    /// The token is bound to a key (`cnf.jkt`) but was sent with the scheme `Bearer`, so there is no proof
    /// that the sender possesses the key (RFC 9449 §7.2).
    #[error(
        "the token is bound to a key but was not sent with the DPoP scheme; the client must send it with this scheme, and a proof in the field DPoP"
    )]
    BoundTokenAsBearer,
    /// The token was sent with the scheme `DPoP` but is not bound to a key (RFC 9449 §7.1).
    #[error(
        "the token was sent with the DPoP scheme but is not bound to a key; the client must request a bound token, or send this one with the scheme Bearer"
    )]
    NotBound,
    /// The token must be bound, but it is not: its issuer has
    /// [`Issuer::require_dpop`](crate::Issuer::require_dpop), and the token has no `cnf.jkt` (RFC 9449 §7.1).
    /// A rejection by [`Policy::bound`](crate::Policy::bound) has the same code.
    #[error(
        "the token must be bound to a key, but it is not; the client must request a token that is bound to its key (RFC 9449), and send it with the DPoP scheme and a proof"
    )]
    BindingRequired,
    /// The token is bound to a key or a certificate other than the client's.
    #[error("the token is bound to another key or certificate")]
    BindingMismatch,
    /// The token is bound to a certificate, but the request does not have exactly one usable client
    /// certificate.
    #[error(
        "the token is bound to a certificate, but the request has no usable client certificate"
    )]
    NoCertificate,
    /// The DPoP proof is missing or invalid.
    #[error("invalid DPoP proof: {0}")]
    InvalidProof(ProofError),
    /// The DPoP proof has no nonce, or a nonce that is not current (RFC 9449 §9). The response has a new
    /// nonce.
    #[error("the DPoP proof has no current nonce")]
    NonceRequired,
    /// The introspection response says that the token is not active: it was revoked, has expired, or was
    /// not issued by this issuer (RFC 7662 §2.2).
    #[error("the issuer reports that the token is not active")]
    Inactive,
    /// A revocation rule matches the token, or the token is so old that a rule may be forgotten already. It can occur
    /// only with [`VerifierBuilder::revocations`](crate::VerifierBuilder::revocations).
    #[error("{0}")]
    Revoked(RevokedReason),
    /// Something that the verification needs is unavailable, such as the issuer's keys, its introspection
    /// response or the store of used DPoP proofs. The client is not at fault.
    #[error("the verification of the token is unavailable")]
    Unavailable {
        /// The time after which the client may retry.
        retry_after: Duration,
        /// Why the token could not be verified.
        source: UnavailableReason,
    },
}

impl VerifyError {
    /// Returns a stable code for metrics and alerts, such as `expired`.
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
            Self::BindingRequired => "binding_required",
            Self::BindingMismatch => "binding_mismatch",
            Self::NoCertificate => "no_certificate",
            Self::InvalidProof(_) => "invalid_dpop_proof",
            Self::NonceRequired => "use_dpop_nonce",
            Self::Inactive => "inactive",
            Self::Revoked(_) => "revoked",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Returns the stable code of the reason beside [`code`](Self::code), such as `duplicate_member` for a
    /// malformed token, or `None` if the error has no further reason. The event about a rejection has it as
    /// `reason_code`.
    ///
    /// ```
    /// use okta_verifier::{VerifyError, error::{MalformedTokenError, ProofError}};
    ///
    /// let malformed = VerifyError::Malformed(MalformedTokenError::DuplicateMember);
    /// assert_eq!((malformed.code(), malformed.reason_code()), ("malformed", Some("duplicate_member")));
    /// let replayed = VerifyError::InvalidProof(ProofError::Replayed);
    /// assert_eq!((replayed.code(), replayed.reason_code()), ("invalid_dpop_proof", Some("replayed")));
    /// assert_eq!(VerifyError::BadSignature.reason_code(), None);
    /// ```
    #[must_use]
    pub const fn reason_code(&self) -> Option<&'static str> {
        match self {
            Self::Malformed(reason) => Some(reason.code()),
            Self::InvalidProof(reason) => Some(reason.code()),
            Self::Revoked(reason) => Some(reason.code()),
            Self::Unavailable { source, .. } => Some(source.code()),
            _ => None,
        }
    }
}

impl VerifyError {
    /// Returns the name of the claim that is missing or invalid.
    pub(crate) const fn claim(&self) -> Option<&'static str> {
        match self {
            Self::MissingClaim { claim }
            | Self::InvalidClaim { claim }
            | Self::InvalidProof(ProofError::Claim { claim }) => Some(claim),
            _ => None,
        }
    }

    pub(crate) const fn unavailable(retry_after: Duration, source: UnavailableReason) -> Self {
        Self::Unavailable {
            retry_after,
            source,
        }
    }
}

impl From<MalformedTokenError> for VerifyError {
    fn from(reason: MalformedTokenError) -> Self {
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
/// # use okta_verifier::{Verifier, VerifyError, error::MalformedTokenError};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let twice = okta.token("ada").raw_payload(r#"{"sub":"ada","sub":"root"}"#).sign();
/// for (text, reason) in [
///     ("not a token", MalformedTokenError::Alphabet),
///     ("an-opaque-one", MalformedTokenError::Parts), // unless opaque tokens are introspected
///     (&twice, MalformedTokenError::DuplicateMember), // two parsers might read two subjects
/// ] {
///     let error = verifier.verify(text).await.unwrap_err();
///     assert!(matches!(error, VerifyError::Malformed(it) if it == reason));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedTokenError {
    /// The text exceeds the size limit, which is
    /// [`VerifierBuilder::max_token_size`](crate::VerifierBuilder::max_token_size) for a token and 16
    /// KiB for a DPoP proof.
    #[error("the JWT is larger than {limit} bytes; see VerifierBuilder::max_token_size")]
    TooLarge {
        /// The size limit in bytes.
        limit: usize,
    },
    /// A character is outside `A-Z a-z 0-9 - _ .`, as in some opaque tokens; see
    /// [`Parts`](Self::Parts).
    #[error("the text contains a character that is not allowed in a JWT")]
    Alphabet,
    /// The text does not have three parts, for example because it is an opaque token. Opaque tokens are
    /// accepted only with
    /// [`Introspection::opaque_tokens`](crate::introspection::Introspection::opaque_tokens) or
    /// [`every_token`](crate::introspection::Introspection::every_token).
    #[error("the JWT does not have three parts")]
    Parts,
    /// A part is not canonical base64url: it has padding, a wrong length or stray bits.
    #[error("a part is not canonical base64url")]
    Base64,
    /// The header or the payload is not one JSON object in UTF-8.
    #[error("a part is not a JSON object")]
    Json,
    /// A member occurs twice. Names are compared after unescaping.
    #[error("a member of the JSON occurs twice")]
    DuplicateMember,
    /// Objects and arrays are nested deeper than 16 levels.
    #[error("the JSON is nested deeper than 16 levels")]
    TooDeep,
    /// The header has no `alg`, or a header parameter has the wrong type.
    #[error("the header has no alg, or a header parameter has the wrong type")]
    Header,
    /// The `kid` is longer than 256 bytes.
    #[error("the kid is longer than 256 bytes")]
    KeyIdTooLong,
    /// `crit` or `b64` requires an extension (RFC 7515 §4.1.11, RFC 7797 §6).
    #[error("the header uses an unsupported critical extension")]
    Extension,
    /// `cty` says that the payload is a nested JWT.
    #[error("the payload is another JWT")]
    Nested,
}

impl MalformedTokenError {
    /// Returns a stable code for logs and metrics, such as `duplicate_member`.
    ///
    /// ```
    /// use okta_verifier::error::MalformedTokenError;
    ///
    /// assert_eq!(MalformedTokenError::Parts.code(), "parts");
    /// assert_eq!(MalformedTokenError::TooLarge { limit: 16_384 }.code(), "too_large");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Alphabet => "alphabet",
            Self::Parts => "parts",
            Self::Base64 => "base64",
            Self::Json => "json",
            Self::DuplicateMember => "duplicate_member",
            Self::TooDeep => "too_deep",
            Self::Header => "header",
            Self::KeyIdTooLong => "key_id_too_long",
            Self::Extension => "extension",
            Self::Nested => "nested",
        }
    }
}

/// Why a token counts as revoked.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, VerifyError, revocation::{Revocations, Rule}};
/// use okta_verifier::error::RevokedReason;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
/// let revocations = Revocations::builder().forgets_at_restart().build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let jwt = okta.token("ada").sign();
/// assert!(verifier.verify(&jwt).await.is_ok());
///
/// revocations.revoke(Rule::issuer(url)).await?;
/// let error = verifier.verify(&jwt).await.unwrap_err();
/// assert!(matches!(error, VerifyError::Revoked(RevokedReason::Rule)));
/// assert_eq!((error.code(), error.reason_code()), ("revoked", Some("rule")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevokedReason {
    /// A rule names the token, its user, its session, its client or its issuer.
    #[error("the token was revoked; the client must request a new one")]
    Rule,
    /// The token was issued longer ago than
    /// [`longest_token`](crate::revocation::RevocationsBuilder::longest_token) and the leeway, so that the rule that
    /// revoked it may be forgotten.
    #[error(
        "the token was issued so long ago that its revocation may be forgotten; if the issuer's tokens live for longer, raise .longest_token(..) of the revocations"
    )]
    TooOld,
    /// The login of the user is older than a rule about the user, or than the
    /// [longest login](crate::revocation::Measure::AuthTime). A new token of the same login would be rejected too, so
    /// the user must log in again (RFC 9470).
    #[error("the login of the token was revoked; the client must let the user log in again")]
    Login {
        /// The longest time since the login, in seconds, with which the user is accepted again.
        max_age: u64,
    },
}

impl RevokedReason {
    /// Returns a stable code for logs and metrics, such as `too_old`.
    ///
    /// ```
    /// use okta_verifier::error::RevokedReason;
    ///
    /// assert_eq!(RevokedReason::TooOld.code(), "too_old");
    /// assert_eq!(RevokedReason::Login { max_age: 60 }.code(), "login");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::TooOld => "too_old",
            Self::Login { .. } => "login",
        }
    }
}

/// A claim does not fit the type that it was read as. The error does not contain the claim's value.
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
    /// The claim's name or path in quotation marks, or `None` for the claims as a whole.
    name: Option<String>,
}

impl ClaimError {
    pub(crate) fn claim(name: &str) -> Self {
        Self {
            name: Some(format!("{name:?}")),
        }
    }

    pub(crate) fn claim_path(path: &[&str]) -> Self {
        Self {
            name: Some(format!("{path:?}")),
        }
    }

    pub(crate) const fn whole() -> Self {
        Self { name: None }
    }

    fn subject(&self) -> String {
        match &self.name {
            Some(name) => format!("the claim {name} does"),
            None => "the claims do".to_owned(),
        }
    }
}
