//! The form of a proof, its header and its signature.

use serde_json::json;

use super::{
    case::{Case, NOW, claims, with},
    signer::{Signer, encode},
};
use crate::error::{MalformedTokenError, ProofError};

// conformance 152, 154, 157
#[test]
fn proof_of_each_algorithm_is_accepted() {
    for algorithm in ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"] {
        let signer = Signer::new(algorithm);
        let used = Case::of(&signer)
            .verify_proof(&signer.proof(&claims()))
            .unwrap();
        assert_eq!(used.until, NOW + 60, "{algorithm}");
    }
}

// conformance 154
#[test]
fn proof_that_is_not_a_compact_jwt_is_rejected() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let good = signer.proof(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let long = signer.proof(&with(claims(), "pad", "x".repeat(16 * 1024)));
    for (proof, expected) in [
        (String::new(), MalformedTokenError::Parts),
        (good.replacen('.', "", 1), MalformedTokenError::Parts),
        (format!("{good}."), MalformedTokenError::Parts),
        (format!("{good}.a.b"), MalformedTokenError::Parts),
        (format!("{good}="), MalformedTokenError::Alphabet),
        (format!("{good} "), MalformedTokenError::Alphabet),
        (format!("{good},{good}"), MalformedTokenError::Alphabet),
        (long, MalformedTokenError::TooLarge { limit: 16 * 1024 }),
        (format!("{signed}.A"), MalformedTokenError::Base64),
        (
            signer.sign("[]", claims().to_string()),
            MalformedTokenError::Json,
        ),
        (
            signer.sign(signer.header().to_string(), "null"),
            MalformedTokenError::Json,
        ),
        (
            signer.sign([0xFF], claims().to_string()),
            MalformedTokenError::Json,
        ),
        (
            signer.sign(
                with(signer.header(), "crit", json!(["exp"])).to_string(),
                "{}",
            ),
            MalformedTokenError::Extension,
        ),
        (
            signer.sign(with(signer.header(), "b64", false).to_string(), "{}"),
            MalformedTokenError::Extension,
        ),
    ] {
        assert_eq!(
            case.reason(&proof),
            ProofError::Malformed(expected),
            "{proof}"
        );
    }
}

// conformance 156
#[test]
fn proof_of_another_typ_is_rejected() {
    let signer = Signer::new("ES256");
    for typ in [
        json!("JWT"),
        json!("at+jwt"),
        json!(""),
        json!("dpop+jwt "),
        json!("dpop"),
        json!(null),
        json!(["dpop+jwt"]),
    ] {
        let header = with(signer.header(), "typ", typ.clone()).to_string();
        let proof = signer.sign(header, claims().to_string());
        assert_eq!(Case::of(&signer).reason(&proof), ProofError::Type, "{typ}");
    }
}

// conformance 155, 157
#[test]
fn proof_of_another_alg_is_rejected() {
    let signer = Signer::new("ES256");
    for (alg, expected) in [
        (json!("none"), ProofError::Algorithm),
        (json!("HS256"), ProofError::Algorithm),
        (json!("es256"), ProofError::Algorithm),
        (json!("ES256K"), ProofError::Algorithm),
        (json!(null), ProofError::Algorithm),
        (json!(["ES256"]), ProofError::Algorithm),
        (json!("RS256"), ProofError::Key),
        (json!("ES384"), ProofError::Key),
        (json!("EdDSA"), ProofError::Key),
    ] {
        let header = with(signer.header(), "alg", alg.clone()).to_string();
        let proof = signer.sign(header, claims().to_string());
        assert_eq!(Case::of(&signer).reason(&proof), expected, "{alg}");
    }
}

// conformance 158
#[test]
fn proof_signed_by_another_key_is_rejected() {
    let (signer, other) = (Signer::new("ES256"), Signer::new("ES256"));
    let proof = other.sign(signer.header().to_string(), claims().to_string());
    assert_eq!(Case::of(&signer).reason(&proof), ProofError::Signature);
    let good = signer.proof(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    for signature in [
        String::new(),
        encode([7; 63]),
        "A".repeat(86),
        "A".repeat(4000),
    ] {
        let proof = format!("{signed}.{signature}");
        assert_eq!(Case::of(&signer).reason(&proof), ProofError::Signature);
    }
}
