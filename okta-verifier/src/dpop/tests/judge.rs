//! What a proof says, against the request it came with.

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
        judge::{Expected, Holder, Window, judge},
        key_cache::ProofKeys,
        nonce::DpopNonces,
    },
    error::{ProofError, VerifyError},
};

// conformance 160
#[test]
fn the_method_is_the_requests_to_the_letter() {
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
fn the_url_is_the_requests() {
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
        assert!(Case::of(&signer).judge(&proof).is_ok(), "{htu}");
    }
}

// conformance 165
#[test]
fn the_window_has_two_edges() {
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
        assert_eq!(case.judge(&at(json!(iat))).unwrap().until, iat + 60);
    }
}

// RFC 7519 §4.1.4-5
#[test]
fn dates_of_the_proofs_own_hold() {
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
        assert!(case.judge(&dated(claim, json!(date))).is_ok());
    }
}

// conformance 166, 167
#[test]
fn token_and_key_are_the_requests() {
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
    let stolen = Case::of(&signer).judge(&other.proof(&claims()));
    assert!(matches!(stolen, Err(VerifyError::BindingMismatch)));
}

// conformance 164, 172, 173
#[test]
fn a_demanded_nonce_cannot_be_left_out() {
    let signer = Signer::new("ES256");
    let nonces = DpopNonces::random();
    let case = Case {
        nonces: Some(nonces.clone()),
        ..Case::of(&signer)
    };
    let refused = |claims: Value| {
        let verdict = case.judge(&signer.proof(&claims));
        assert!(
            matches!(verdict, Err(VerifyError::NonceRequired)),
            "{verdict:?}"
        );
    };
    refused(claims());
    refused(with(claims(), "nonce", "another"));
    refused(with(claims(), "nonce", DpopNonces::random().current(NOW)));
    refused(with(claims(), "nonce", nonces.current(NOW - 1000)));
    let good = with(claims(), "nonce", nonces.current(NOW));
    let first = case.judge(&signer.proof(&good)).unwrap();
    // The nonce may come again; the proof is told apart by its jti.
    let again = case
        .judge(&signer.proof(&with(good, "jti", "two")))
        .unwrap();
    assert_ne!(first.digest, again.digest);
    // Where none is demanded, one of somebody else's says nothing.
    let proof = signer.proof(&with(claims(), "nonce", "of the issuer"));
    assert!(Case::of(&signer).judge(&proof).is_ok());
}

#[test]
fn the_digest_is_of_key_and_jti() {
    let (signer, other) = (Signer::new("ES256"), Signer::new("ES256"));
    let digest = |signer: &Signer, claims: &Value| {
        Case::of(signer)
            .judge(&signer.proof(claims))
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
fn a_remembered_key_verifies_its_own_proofs_only() {
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
    let judge = |proof: &str| judge(proof.as_bytes(), &expected, NOW);
    let known = |signer: &Signer| keys.find(encode(signer.header().to_string()).as_bytes());
    assert!(known(&signer).is_none());
    assert!(judge(&signer.proof(&claims())).is_ok());
    assert!(known(&signer).is_some());
    let forged = other.sign(signer.header().to_string(), claims().to_string());
    assert!(matches!(
        judge(&forged),
        Err(VerifyError::InvalidProof(ProofError::Signature))
    ));
    let bare = signer.sign(signer.header().to_string(), "{}");
    assert!(matches!(
        judge(&bare),
        Err(VerifyError::InvalidProof(ProofError::Claim { .. }))
    ));
    let theirs = judge(&other.proof(&claims()));
    assert!(matches!(theirs, Err(VerifyError::BindingMismatch)));
    assert!(known(&other).is_none());
    assert!(judge(&signer.proof(&claims())).is_ok());
}
