//! DPoP proofs of `Client`, valid and wrong, checked without `okta-verifier`.

use okta_verifier::Algorithm;
use okta_verifier_testing::{Client, ProofBuilder, TestIssuer};
use serde_json::{Value, json};

use crate::jose::{decode, digest, names, parts, proves, thumbprint};

const URL: &str = "https://api.example.com/orders";

#[test]
fn good_proof_has_the_required_claims() {
    let client = Client::new();
    let proof = client
        .proof("GET", "https://api.example.com/orders?page=2#top")
        .token("a.b.c");
    let (one, two) = (parts(&proof.clone().sign()), parts(&proof.sign()));
    assert_eq!(names(&one.header), ["alg", "jwk", "typ"]);
    assert_eq!(
        [&one.header["typ"], &one.header["alg"]],
        ["dpop+jwt", "ES256"]
    );
    assert_eq!(one.header["jwk"].to_string(), client.jwk());
    assert_eq!(names(&one.header["jwk"]), ["crv", "kty", "x", "y"]);
    assert_eq!(names(&one.payload), ["ath", "htm", "htu", "iat", "jti"]);
    assert_eq!([&one.payload["htm"], &one.payload["htu"]], ["GET", URL]);
    assert_eq!(one.payload["ath"], digest("a.b.c"));
    assert!(one.payload["iat"].as_u64().unwrap() > 1_700_000_000);
    assert_ne!(one.payload["jti"], two.payload["jti"]);
    let at_the_token_endpoint = parts(&client.proof("POST", URL).nonce("n").sign()).payload;
    assert_eq!(
        names(&at_the_token_endpoint),
        ["htm", "htu", "iat", "jti", "nonce"]
    );
}

#[test]
fn every_algorithm_signs_a_valid_proof() {
    use Algorithm::*;
    for algorithm in [
        RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA,
    ] {
        let client = Client::with_algorithm(algorithm);
        let proof = client.proof("GET", URL).sign();
        assert!(proves(&proof), "{algorithm}");
        assert_eq!(parts(&proof).header["alg"], algorithm.to_string());
        assert_ne!(
            client.thumbprint(),
            Client::with_algorithm(algorithm).thumbprint()
        );
    }
}

#[test]
fn token_is_bound_to_its_client() {
    let client = Client::new();
    let bound = client
        .bind(TestIssuer::new("api://orders").token("ada"))
        .sign();
    let jwk: Value = serde_json::from_str(&client.jwk()).unwrap();
    assert_eq!(
        parts(&bound).payload["cnf"],
        json!({ "jkt": thumbprint(&jwk) })
    );
    assert_eq!(client.clone().thumbprint(), client.thumbprint());
}

#[test]
fn edits_change_one_claim_each() {
    let old = payload(|it| it.issued_at(1000).aged(300));
    assert_eq!(old["iat"], 700);
    assert_eq!(payload(|it| it.issued_at(1000).aged(-61))["iat"], 1061);
    assert_eq!(payload(|it| it.htm("get"))["htm"], "get");
    assert_eq!(payload(|it| it.htu("https://a/?x"))["htu"], "https://a/?x");
    assert_eq!(payload(|it| it.jti("once"))["jti"], "once");
    assert_eq!(payload(|it| it.claim("iat", "now"))["iat"], "now");
    for name in ["htm", "htu", "iat", "jti"] {
        assert_eq!(payload(|it| it.without(name)).get(name), None);
    }
    assert_eq!(payload(|it| it.token("t").without("ath")).get("ath"), None);
    let header = |edit: fn(ProofBuilder) -> ProofBuilder| {
        let proof = edit(Client::new().proof("GET", URL)).sign();
        assert!(proof.is_ascii());
        parts(&proof).header
    };
    assert_eq!(header(|it| it.typ("JWT"))["typ"], "JWT");
    assert_eq!(
        header(|it| it.header("crit", ["b64"]))["crit"],
        json!(["b64"])
    );
    assert_eq!(header(|it| it.without_header("jwk")).get("jwk"), None);
    assert_eq!(
        header(|it| it.jwk_member("use", "enc"))["jwk"]["use"],
        "enc"
    );
    assert_eq!(
        header(|it| it.without_jwk_member("y"))["jwk"].get("y"),
        None
    );
    assert_eq!(
        header(|it| it.private_jwk())["jwk"]["d"]
            .as_str()
            .map(str::len),
        Some(43)
    );
}

#[test]
fn wrong_signatures_do_not_verify() {
    let client = Client::new();
    let proof = || client.proof("GET", URL);
    let foreign = proof().foreign_key().sign();
    assert_eq!(parts(&foreign).header["jwk"].to_string(), client.jwk());
    for wrong in [
        foreign,
        proof().tampered().sign(),
        proof().edit_signature(|it| it[1..].to_vec()).sign(),
    ] {
        assert!(!proves(&wrong));
    }
    let unsigned = parts(&proof().unsigned().sign());
    assert_eq!(
        (&unsigned.header["alg"], unsigned.signature.len()),
        (&json!("none"), 0)
    );
    let symmetric = parts(&proof().symmetric().sign());
    assert_eq!(
        (&symmetric.header["alg"], &symmetric.header["jwk"]["kty"]),
        (&json!("HS256"), &json!("oct"))
    );
    let secret = decode(symmetric.header["jwk"]["k"].as_str().unwrap());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    aws_lc_rs::hmac::verify(&key, symmetric.input.as_bytes(), &symmetric.signature).unwrap();
}

#[test]
fn wrong_keys_are_wrong_as_named() {
    let weak = parts(&Client::new().proof("GET", URL).weak_rsa().sign());
    let modulus = decode(weak.header["jwk"]["n"].as_str().unwrap());
    assert_eq!((modulus.len(), weak.signature.len()), (128, 128));
    assert_eq!(weak.header["alg"], "RS256");
    let short = Client::new().proof("GET", URL).short_coordinate().sign();
    let jwk = parts(&short).header["jwk"].clone();
    let x = decode(jwk["x"].as_str().unwrap());
    assert_eq!(x.len(), 31);
    // The signature is valid: with the zero byte the key verifies it.
    let mut whole = parts(&short);
    whole.header["jwk"]["x"] = json!(base64_of(&[vec![0], x].concat()));
    assert!(crate::jose::proves_parts(&whole));
}

#[test]
fn doubled_members_and_padding_are_written() {
    let client = Client::new();
    let text = |part: usize, proof: ProofBuilder| {
        let proof = proof.sign();
        assert!(part == 0 || proves(&proof));
        String::from_utf8(decode(proof.split('.').nth(part).unwrap())).unwrap()
    };
    for claim in ["htm", "htu", "iat", "jti", "ath"] {
        let payload = text(1, client.proof("GET", URL).token("t").twice(claim));
        assert_eq!(payload.matches(&format!(r#""{claim}":"#)).count(), 2);
    }
    for name in ["alg", "typ", "jwk"] {
        let header = text(0, client.proof("GET", URL).twice_in_header(name));
        assert_eq!(header.matches(&format!(r#""{name}":"#)).count(), 2);
    }
    for length in [16 * 1024 - 1, 16 * 1024 + 1] {
        let long = client.proof("GET", URL).padded_to(length).sign();
        assert!((length..length + 200).contains(&long.len()) && proves(&long));
    }
    let raw = client
        .proof("GET", URL)
        .raw_header("[]")
        .raw_payload(b"\xff")
        .sign();
    assert!(raw.starts_with("W10._w."));
}

fn payload(edit: impl Fn(ProofBuilder) -> ProofBuilder) -> Value {
    let proof = edit(Client::new().proof("GET", URL)).sign();
    assert!(proves(&proof), "the edited proof is still signed");
    parts(&proof).payload
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}
