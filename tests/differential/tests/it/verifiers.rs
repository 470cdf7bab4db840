//! The two verifiers and the comparison of their results.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use okta_verifier::{Issuer, VerifiedToken, Verifier, VerifyError, error::MalformedTokenError};
use serde_json::Value;

use crate::tokens::AUDIENCE;

pub(crate) struct Verifiers {
    ours: Verifier,
    keys: JwkSet,
    issuer: String,
}

pub(crate) enum Outcome {
    /// Both accept the token and read the same subject and claims.
    Accepted,
    /// Both reject the token.
    Rejected,
    /// They disagree in this named way.
    Disagreed(String),
}

impl Verifiers {
    pub(crate) fn new((url, jwks, issuer): (&str, String, Issuer)) -> Self {
        Self {
            // The cache is off, so every token is verified.
            ours: Verifier::builder()
                .issuer(issuer)
                .token_cache_capacity(0)
                .build()
                .unwrap(),
            keys: serde_json::from_str(&jwks).unwrap(),
            issuer: url.to_owned(),
        }
    }

    pub(crate) fn compare(&self, jwt: &str) -> Outcome {
        let ours = ready(self.ours.verify(jwt));
        match (ours, self.theirs(jwt)) {
            (Ok(token), Ok(claims)) => {
                assert_eq!(token.subject(), claims["sub"], "{jwt}");
                assert_eq!(token.claims::<Value>().unwrap(), claims, "{jwt}");
                Outcome::Accepted
            }
            (Err(_), Err(_)) => Outcome::Rejected,
            (Err(error), Ok(_)) => Outcome::Disagreed(format!("we refuse: {}", reason(&error))),
            (Ok(token), Err(theirs)) => accepted_alone(jwt, &token, &theirs),
        }
    }

    /// Decodes as the documentation of jsonwebtoken describes for a key set, with every check it offers.
    fn theirs(&self, jwt: &str) -> Result<Value, Theirs> {
        let no_key = || Theirs::Cryptographic("no key".to_owned());
        let header = decode_header(jwt).map_err(|error| Theirs::of(error.kind()))?;
        let kid = header.kid.ok_or_else(no_key)?;
        let key = self.keys.find(&kid).ok_or_else(no_key)?;
        let mut validation = Validation::new(algorithm(key));
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_jwk(key).map_err(|error| Theirs::of(error.kind()))?;
        match decode(jwt, &key, &validation) {
            Ok(token) => Ok(token.claims),
            Err(error) => Err(Theirs::of(error.kind())),
        }
    }
}

/// The reason why jsonwebtoken rejects a token.
enum Theirs {
    /// The signature, an algorithm that is not the key's, or an unknown key.
    Cryptographic(String),
    /// The JSON does not match jsonwebtoken's types.
    Json(String),
    Other(String),
}

impl Theirs {
    fn of(error: &ErrorKind) -> Self {
        match error {
            ErrorKind::Json(error) => Self::Json(error.to_string()),
            ErrorKind::InvalidToken
            | ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::ExpiredSignature
            | ErrorKind::InvalidIssuer
            | ErrorKind::InvalidAudience
            | ErrorKind::InvalidSubject
            | ErrorKind::ImmatureSignature
            | ErrorKind::Base64(_)
            | ErrorKind::Utf8(_) => Self::Other(format!("{error:?}")),
            // All other reasons, including future ones.
            _ => Self::Cryptographic(format!("{error:?}")),
        }
    }
}

/// Names the way in which only okta-verifier accepts the token.
///
/// # Panics
///
/// Panics if jsonwebtoken rejects the token for a cryptographic reason.
fn accepted_alone(jwt: &str, token: &VerifiedToken, theirs: &Theirs) -> Outcome {
    let class = match theirs {
        Theirs::Cryptographic(reason) => {
            panic!("we accept {token:?}, and jsonwebtoken says {reason}: {jwt}")
        }
        Theirs::Json(error) if error.contains("`Ed25519`") => "`alg` is `Ed25519`".to_owned(),
        Theirs::Json(_) if decode_header(jwt).is_err() => {
            "a header parameter that nothing here looks at".to_owned()
        }
        Theirs::Json(_) => "claims of another type".to_owned(),
        Theirs::Other(reason) if reason == r#"InvalidClaimFormat("nbf")"# => {
            "`nbf` is null".to_owned()
        }
        Theirs::Other(reason) => reason.clone(),
    };
    Outcome::Disagreed(format!("we accept: {class}"))
}

fn reason(error: &VerifyError) -> String {
    match error {
        VerifyError::Malformed(reason) => {
            let word = match reason {
                MalformedTokenError::TooLarge { .. } => "too large",
                MalformedTokenError::DuplicateMember => "duplicate member",
                MalformedTokenError::TooDeep => "too deep",
                MalformedTokenError::Header | MalformedTokenError::KeyIdTooLong => "header",
                MalformedTokenError::Extension => "extension",
                MalformedTokenError::Nested => "nested",
                MalformedTokenError::Json => "JSON",
                other => return format!("malformed, {other:?}"),
            };
            format!("malformed, {word}")
        }
        VerifyError::MissingClaim { claim } => format!("missing_claim, `{claim}`"),
        VerifyError::InvalidClaim { claim } => format!("invalid_claim, `{claim}`"),
        other => other.code().to_owned(),
    }
}

fn algorithm(key: &Jwk) -> Algorithm {
    match key.common.key_algorithm {
        Some(KeyAlgorithm::RS256) => Algorithm::RS256,
        Some(KeyAlgorithm::PS256) => Algorithm::PS256,
        Some(KeyAlgorithm::ES256) => Algorithm::ES256,
        Some(KeyAlgorithm::ES384) => Algorithm::ES384,
        Some(KeyAlgorithm::EdDSA) => Algorithm::EdDSA,
        other => panic!("the key set has no key for {other:?}"),
    }
}

/// Returns the output of `future`. With pinned keys it is ready at the first poll.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is ready at the first poll"),
    }
}
