//! Algorithms and keys: a token must be signed with a published key and with the algorithm of that key.

use okta_verifier::Algorithm;

use super::super::case::{Case, accepted, invalid};
use super::super::issuers::Source;

pub(super) fn cases() -> Vec<Case> {
    let published = [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::PS256,
    ];
    let mut cases = Vec::new();
    cases.extend(published.map(|algorithm| {
        accepted(
            format!("a token of {algorithm}"),
            match algorithm {
                Algorithm::RS256 => &[100],
                Algorithm::ES256 => &[72],
                Algorithm::EdDSA => &[74],
                _ => &[75],
            },
        )
        .okta(move |token| token.algorithm(algorithm))
    }));
    cases.extend(published.map(|algorithm| {
        invalid(format!("a foreign key of {algorithm}"), &[14, 93])
            .okta(move |token| token.algorithm(algorithm).foreign_key())
    }));
    cases.extend(published.map(|algorithm| {
        invalid(format!("a tampered token of {algorithm}"), &[14, 60])
            .okta(move |token| token.algorithm(algorithm).tampered())
    }));
    // Tokens that name a published key, with an algorithm other than that of the key. The signatures of
    // the RSA algorithms are valid for the named key.
    let others = [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES384,
        Algorithm::ES512,
    ];
    cases.extend(others.map(|algorithm| {
        invalid(
            format!("{algorithm} with a key for another algorithm"),
            &[66, 68],
        )
        .okta(move |token| token.algorithm(algorithm))
    }));
    let claimed = ["RS256", "PS256", "EdDSA", "ES384", "ES512"];
    cases.extend(claimed.map(|alg| {
        invalid(format!("a token of ES256 with alg {alg}"), &[66, 67])
            .okta(move |token| token.header("alg", alg))
    }));
    cases.extend(["none", "None", "NONE", "nOnE"].map(|alg| {
        invalid(format!("an unsigned token with alg {alg}"), &[56])
            .okta(move |token| token.unsigned().header("alg", alg))
    }));
    cases.extend([
        accepted("a token of EdDSA with alg Ed25519", &[74])
            .okta(|token| token.algorithm(Algorithm::EdDSA).header("alg", "Ed25519")),
        invalid("a signed token with alg none", &[56]).okta(|token| token.header("alg", "none")),
        invalid("an unpublished key", &[14]).okta(|token| token.unpublished_key()),
        invalid("an HMAC with the public key as PEM", &[67])
            .okta(|token| token.hmac_with_public_key()),
        invalid("an HMAC with alg ES256", &[67])
            .okta(|token| token.hmac_with_public_key().header("alg", "ES256")),
        invalid("an HMAC without a secret", &[67]).okta(|token| token.hmac("")),
        invalid("an HMAC with the published symmetric key", &[67, 76])
            .of(Source::Odd("symmetric"), |token, _| {
                token.hmac(super::super::odd_keys::SECRET.as_slice())
            }),
    ]);
    cases
}
