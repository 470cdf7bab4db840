use serde_json::{Value, json};

use super::signer::{Signer, encode};
use crate::{
    binding::{
        cache::ProofKeys,
        external::{External, Place},
        judge::{Expected, Used, Window, judge},
        nonce::DpopNonces,
    },
    crypto::sha256,
    error::{MalformedToken, ProofError, VerifyError},
};

/// A request, and what it is judged by.
pub(super) struct Case<'a> {
    pub(super) base: &'a str,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) token: &'a str,
    pub(super) jkt: [u8; 32],
    pub(super) now: u64,
    pub(super) nonces: Option<DpopNonces>,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            base: "https://api.example.com",
            method: "GET",
            target: "/orders?page=2",
            token: TOKEN,
            jkt: [0; 32],
            now: NOW,
            nonces: None,
        }
    }
}

impl Case<'_> {
    pub(super) fn of(signer: &Signer) -> Self {
        Self {
            jkt: signer.jkt(),
            ..Self::default()
        }
    }

    pub(super) fn judge(&self, proof: &str) -> Result<Used, VerifyError> {
        let external = External::base(self.base).unwrap();
        let keys = ProofKeys::new().unwrap();
        let expected = Expected {
            method: self.method,
            place: Place {
                target: self.target,
                ..Place::default()
            },
            external: &external,
            token: self.token.as_bytes(),
            jkt: &self.jkt,
            window: Window {
                past: 60,
                future: 30,
            },
            nonces: self.nonces.as_ref(),
            keys: &keys,
        };
        let verdict = judge(proof.as_bytes(), &expected, self.now);
        // A key that is remembered changes nothing.
        let again = judge(proof.as_bytes(), &expected, self.now);
        assert_eq!(format!("{verdict:?}"), format!("{again:?}"));
        verdict
    }

    /// Why a proof is refused as one.
    pub(super) fn reason(&self, proof: &str) -> ProofError {
        match self.judge(proof) {
            Err(VerifyError::InvalidProof(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) const NOW: u64 = 1_700_000_000;
pub(super) const TOKEN: &str = "header.payload.signature";

/// The claims of a proof for the default case.
pub(super) fn claims() -> Value {
    json!({
        "jti": "e1j3V_bKic8-LAEB",
        "htm": "GET",
        "htu": "https://api.example.com/orders",
        "iat": NOW,
        "ath": encode(sha256(TOKEN.as_bytes())),
    })
}

pub(super) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

// conformance 152, 154, 157
#[test]
fn each_algorithm_is_accepted() {
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
        let signer = Signer::new(algorithm);
        let used = Case::of(&signer).judge(&signer.proof(&claims())).unwrap();
        assert_eq!(used.until, NOW + 60, "{algorithm}");
    }
}

// conformance 154
#[test]
fn what_is_no_compact_jwt_is_refused() {
    let signer = Signer::new("ES256");
    let case = Case::of(&signer);
    let good = signer.proof(&claims());
    let long = signer.proof(&with(claims(), "pad", "x".repeat(16 * 1024)));
    for (proof, expected) in [
        (String::new(), MalformedToken::Parts),
        (good.replacen('.', "", 1), MalformedToken::Parts),
        (format!("{good}."), MalformedToken::Parts),
        (format!("{good}.a.b"), MalformedToken::Parts),
        (format!("{good}="), MalformedToken::Alphabet),
        (format!("{good} "), MalformedToken::Alphabet),
        (format!("{good},{good}"), MalformedToken::Alphabet),
        (long, MalformedToken::TooLarge),
        (
            signer.sign("[]", claims().to_string()),
            MalformedToken::Json,
        ),
        (
            signer.sign(signer.header().to_string(), "null"),
            MalformedToken::Json,
        ),
        (
            signer.sign([0xFF], claims().to_string()),
            MalformedToken::Json,
        ),
        (
            signer.sign(
                with(signer.header(), "crit", json!(["exp"])).to_string(),
                "{}",
            ),
            MalformedToken::Extension,
        ),
        (
            signer.sign(with(signer.header(), "b64", false).to_string(), "{}"),
            MalformedToken::Extension,
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
fn another_typ_is_refused() {
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
fn another_alg_is_refused() {
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
fn a_signature_of_another_key_is_refused() {
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
        jkt: &jkt,
        window: Window {
            past: 60,
            future: 30,
        },
        nonces: None,
        keys: &keys,
    };
    let judge = |proof: &str| judge(proof.as_bytes(), &expected, NOW);
    assert!(judge(&signer.proof(&claims())).is_ok());
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
    assert!(judge(&signer.proof(&claims())).is_ok());
}
