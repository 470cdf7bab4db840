//! Proofs that were changed are rejected.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    case::{Case, NOW, claims, with},
    signer::Signer,
};
use crate::error::{MalformedTokenError, ProofError, VerifyError};

const CLAIMS: [&str; 5] = ["jti", "htm", "htu", "iat", "ath"];
const PARAMETERS: [&str; 3] = ["typ", "alg", "jwk"];

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

// conformance 155
#[test]
fn proof_without_a_required_member_is_rejected() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    for claim in CLAIMS {
        let proof = signer.proof(&without(claims(), claim));
        assert_eq!(case.reason(&proof), ProofError::Claim { claim });
    }
    for (parameter, expected) in
        PARAMETERS
            .into_iter()
            .zip([ProofError::Type, ProofError::Algorithm, ProofError::Key])
    {
        let header = without(signer.header(), parameter).to_string();
        let proof = signer.sign(header, claims().to_string());
        assert_eq!(case.reason(&proof), expected);
    }
}

// conformance 155
#[test]
fn proof_with_a_member_of_another_type_is_rejected() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let others = [
        json!(true),
        json!([]),
        json!({}),
        json!(["x"]),
        json!(""),
        json!(-1),
    ];
    for claim in CLAIMS.into_iter().chain(["nonce"]) {
        for other in &others {
            let proof = signer.proof(&with(claims(), claim, other.clone()));
            assert_eq!(case.reason(&proof), ProofError::Claim { claim }, "{other}");
        }
    }
    for (claim, other) in [
        ("iat", json!(NOW.to_string())),
        ("iat", json!(1e300)),
        ("jti", json!(7)),
        ("jti", json!("j".repeat(513))),
    ] {
        let proof = signer.proof(&with(claims(), claim, other));
        assert_eq!(case.reason(&proof), ProofError::Claim { claim });
    }
    // field kind F
    for claim in CLAIMS.into_iter().chain(["exp"]) {
        let proof = signer.proof(&with(claims(), claim, json!(null)));
        assert_eq!(case.reason(&proof), ProofError::Claim { claim });
    }
    let longest = signer.proof(&with(claims(), "jti", "j".repeat(512)));
    assert!(case.verify_proof(&longest).is_ok());
}

// field kind F
#[test]
fn proof_null_is_absence_for_optional_claims() {
    let signer = Signer::new("ES256");
    let nulls = with(with(claims(), "nbf", json!(null)), "nonce", json!(null));
    assert!(
        Case::of(&signer)
            .verify_proof(&signer.proof(&nulls))
            .is_ok()
    );
}

// field kind F
#[test]
fn proof_header_null_is_an_error() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    for (name, expected) in [
        ("kid", ProofError::Malformed(MalformedTokenError::Header)),
        (
            "crit",
            ProofError::Malformed(MalformedTokenError::Extension),
        ),
        ("b64", ProofError::Malformed(MalformedTokenError::Extension)),
        ("typ", ProofError::Type),
        ("alg", ProofError::Algorithm),
        ("jwk", ProofError::Key),
    ] {
        let header = with(signer.header(), name, json!(null)).to_string();
        let proof = signer.sign(header, claims().to_string());
        assert_eq!(case.reason(&proof), expected, "{name}");
    }
}

// conformance 154
#[test]
fn proof_with_a_duplicate_member_is_rejected() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let (header, payload) = (signer.header(), claims());
    let doubled = |object: &Value, name: &str| {
        object
            .to_string()
            .replacen('{', &format!("{{\"{name}\":{},", object[name]), 1)
    };
    let twice = ProofError::Malformed(MalformedTokenError::DuplicateMember);
    for claim in CLAIMS {
        let proof = signer.sign(header.to_string(), doubled(&payload, claim));
        assert_eq!(case.reason(&proof), twice, "{claim}");
    }
    for parameter in PARAMETERS {
        let proof = signer.sign(doubled(&header, parameter), payload.to_string());
        assert_eq!(case.reason(&proof), twice, "{parameter}");
    }
    let jwk = doubled(&signer.jwk, "x");
    let header = header.to_string().replace(&signer.jwk.to_string(), &jwk);
    let proof = signer.sign(header, payload.to_string());
    assert_eq!(case.reason(&proof), twice);
}

thread_local! {
    static SIGNER: (Signer, String) = {
        let signer = Signer::new("ES256");
        let proof = signer.proof(&claims());
        (signer, proof)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // conformance 154, 158
    #[test]
    fn proof_that_was_mutated_is_rejected(
        at in any::<prop::sample::Index>(),
        other in "[A-Za-z0-9_.~,-]",
        kind in 0..4_u8,
    ) {
        SIGNER.with(|(signer, proof)| {
            let at = at.index(proof.len());
            let (before, after) = proof.split_at(at);
            let mutated = match kind {
                0 => format!("{before}{other}{}", &after[1..]),
                1 => format!("{before}{other}{after}"),
                2 => format!("{before}{}", &after[1..]),
                _ => before.to_owned(),
            };
            if mutated != *proof {
                let result = Case::of(signer).verify_proof(&mutated);
                prop_assert!(matches!(result, Err(VerifyError::InvalidProof(_))), "{mutated}");
            }
            Ok(())
        })?;
    }

    // conformance 154
    #[test]
    fn proof_of_any_bytes_does_not_panic(
        text in any::<String>(),
        header in any::<String>(),
        payload in any::<String>(),
        claim in 0..CLAIMS.len(),
    ) {
        SIGNER.with(|(signer, _)| {
            let case = Case::of(signer);
            prop_assert!(case.verify_proof(&text).is_err());
            prop_assert!(case.verify_proof(&signer.sign(&header, &payload)).is_err());
            prop_assert!(case.verify_proof(&signer.sign(signer.header().to_string(), &payload)).is_err());
            let claims = with(claims(), CLAIMS[claim], text.clone());
            prop_assert!(CLAIMS[claim] == "jti" || case.verify_proof(&signer.proof(&claims)).is_err());
            Ok(())
        })?;
    }
}
