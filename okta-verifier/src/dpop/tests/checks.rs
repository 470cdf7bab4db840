//! The claims of a proof, compared with the request.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{
    case::{Case, NOW, TOKEN, claims, with},
    signer::{Signer, encode},
};
use crate::{
    crypto::sha256,
    dpop::{
        external_url::{External, Place},
        nonce::DpopNonces,
        proof::{Expected, Holder, ProofKeys, verify_proof},
        window::Window,
    },
    error::{ProofError, VerifyError},
};

// conformance 160
#[test]
fn proof_with_another_method_is_rejected() {
    let signer = Signer::new("ES256");
    for htm in ["get", "Get", "HEAD", "POST", "GET ", "GETS"] {
        let proof = signer.proof(&with(claims(), "htm", htm));
        assert_eq!(
            Case::of(&signer).reason(&proof),
            ProofError::Method,
            "{htm}"
        );
    }
}

// conformance 161, 162
#[test]
fn proof_with_another_url_is_rejected() {
    let signer = Signer::new("ES256");
    for htu in [
        "https://api.example.com/",
        "https://api.example.com/orders/",
        "https://api.example.com/Orders",
        "https://api.example.com/orders%2F",
        "https://api.example.com:444/orders",
        "http://api.example.com/orders",
        "https://api.example.org/orders",
        "https://api.example.com.evil.example/orders",
        "https://api.example.com@evil.example/orders",
        "https://user@api.example.com/orders",
        "/orders",
        "api.example.com/orders",
        "orders",
    ] {
        let proof = signer.proof(&with(claims(), "htu", htu));
        assert_eq!(Case::of(&signer).reason(&proof), ProofError::Url, "{htu}");
    }
    for htu in [
        "HTTPS://API.example.com:443/orders",
        "https://api.example.com/a/../%6Frders",
        "https://api.example.com/orders?page=3#top",
    ] {
        let proof = signer.proof(&with(claims(), "htu", htu));
        assert!(Case::of(&signer).verify_proof(&proof).is_ok(), "{htu}");
    }
}

// conformance 165
#[test]
fn proof_outside_the_window_is_rejected() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let at = |iat: Value| signer.proof(&with(claims(), "iat", iat));
    for (iat, expected) in [
        (json!(NOW - 61), ProofError::TooOld { seconds: 61 }),
        (json!(NOW - 301), ProofError::TooOld { seconds: 301 }),
        (json!(0), ProofError::TooOld { seconds: NOW }),
        (json!(NOW + 31), ProofError::InFuture { seconds: 31 }),
        (
            json!(NOW as f64 + 30.5),
            ProofError::InFuture { seconds: 31 },
        ),
    ] {
        assert_eq!(case.reason(&at(iat.clone())), expected, "{iat}");
    }
    for iat in [NOW - 60, NOW, NOW + 30] {
        assert_eq!(case.verify_proof(&at(json!(iat))).unwrap().until, iat + 60);
    }
}

// RFC 7519 §4.1.4 and §4.1.5
#[test]
fn proof_exp_and_nbf_are_checked() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let dated = |claim, date: Value| signer.proof(&with(claims(), claim, date));
    for (claim, date) in [
        ("exp", json!(NOW)),
        ("exp", json!(1)),
        ("exp", json!("tomorrow")),
        ("nbf", json!(NOW + 31)),
        ("nbf", json!(true)),
    ] {
        let proof = dated(claim, date.clone());
        assert_eq!(case.reason(&proof), ProofError::Claim { claim }, "{date}");
    }
    for (claim, date) in [("exp", NOW + 1), ("nbf", NOW + 30), ("nbf", 1)] {
        assert!(case.verify_proof(&dated(claim, json!(date))).is_ok());
    }
}

// conformance 166, 167
#[test]
fn proof_for_another_token_or_key_is_rejected() {
    let (signer, other) = (Signer::new("ES256"), Signer::new("ES256"));
    let hash = claims()["ath"].as_str().unwrap().to_owned();
    for ath in [
        encode(sha256(b"another")),
        hash[..42].to_owned(),
        format!("{hash}="),
        hash.to_lowercase(),
    ] {
        let proof = signer.proof(&with(claims(), "ath", ath));
        assert_eq!(Case::of(&signer).reason(&proof), ProofError::TokenHash);
    }
    let stolen = Case::of(&signer).verify_proof(&other.proof(&claims()));
    assert!(matches!(stolen, Err(VerifyError::BindingMismatch)));
}

// conformance 164, 172, 173
#[test]
fn proof_without_the_required_nonce_is_rejected() {
    let signer = Signer::new("ES256");
    let nonces = DpopNonces::random();
    let case = Case {
        nonces: Some(nonces.clone()),
        ..Case::of(&signer)
    };
    let assert_rejected = |claims: Value| {
        let result = case.verify_proof(&signer.proof(&claims));
        assert!(
            matches!(result, Err(VerifyError::NonceRequired)),
            "{result:?}"
        );
    };
    assert_rejected(claims());
    assert_rejected(with(claims(), "nonce", "another"));
    assert_rejected(with(claims(), "nonce", DpopNonces::random().current(NOW)));
    assert_rejected(with(claims(), "nonce", nonces.current(NOW - 1000)));
    let good = with(claims(), "nonce", nonces.current(NOW));
    let first = case.verify_proof(&signer.proof(&good)).unwrap();
    // A nonce may be used again. The `jti` distinguishes the proofs.
    let again = case
        .verify_proof(&signer.proof(&with(good, "jti", "two")))
        .unwrap();
    assert_ne!(first.digest, again.digest);
    // Without a required nonce, a nonce of another server is ignored.
    let proof = signer.proof(&with(claims(), "nonce", "of the issuer"));
    assert!(Case::of(&signer).verify_proof(&proof).is_ok());
}

#[test]
fn proof_digest_covers_key_and_jti() {
    let (signer, other) = (Signer::new("ES256"), Signer::new("ES256"));
    let digest = |signer: &Signer, claims: &Value| {
        Case::of(signer)
            .verify_proof(&signer.proof(claims))
            .unwrap()
            .digest
    };
    let one = digest(&signer, &claims());
    assert_eq!(one, digest(&signer, &with(claims(), "iat", NOW - 1)));
    assert_ne!(one, digest(&signer, &with(claims(), "jti", "two")));
    assert_ne!(one, digest(&other, &claims()));
}

// conformance 158, 181
#[test]
fn cached_proof_key_verifies_its_own_proofs_only() {
    let (signer, other) = (Signer::new("ES256"), Signer::new("ES256"));
    let external = External::base("https://api.example.com").unwrap();
    let (keys, jkt) = (ProofKeys::new().unwrap(), signer.jkt());
    let expected = Expected {
        method: "GET",
        place: Place {
            target: "/orders",
            ..Place::default()
        },
        external: &external,
        token: TOKEN.as_bytes(),
        holder: Holder {
            jkt: &jkt,
            token_hash: &OnceLock::new(),
        },
        window: Window {
            past: 60,
            future: 30,
        },
        nonces: None,
        keys: &keys,
    };
    let verify = |proof: &str| verify_proof(proof.as_bytes(), &expected, NOW);
    let cached = |signer: &Signer| keys.find(encode(signer.header().to_string()).as_bytes());
    assert!(cached(&signer).is_none());
    assert!(verify(&signer.proof(&claims())).is_ok());
    assert!(cached(&signer).is_some());
    let forged = other.sign(signer.header().to_string(), claims().to_string());
    assert!(matches!(
        verify(&forged),
        Err(VerifyError::InvalidProof(ProofError::Signature))
    ));
    let bare = signer.sign(signer.header().to_string(), "{}");
    assert!(matches!(
        verify(&bare),
        Err(VerifyError::InvalidProof(ProofError::Claim { .. }))
    ));
    let theirs = verify(&other.proof(&claims()));
    assert!(matches!(theirs, Err(VerifyError::BindingMismatch)));
    assert!(cached(&other).is_none());
    assert!(verify(&signer.proof(&claims())).is_ok());
}
