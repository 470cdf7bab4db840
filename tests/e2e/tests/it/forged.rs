//! Tokens that the issuer did not make, or that lack something required.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::api::{self, INVALID_TOKEN};
use crate::server::{DEFAULT, TENANT_B, decode, now, part};

// conformance 56
#[test]
fn unsigned_tokens_are_rejected() {
    let (server, api) = api::start();
    let token = server.token("read");
    let (header, claims) = decode(&token);
    let signature = token.rsplit('.').next().expect("a signature");
    for alg in ["none", "None", "NONE", ""] {
        for signature in ["", "AA", signature] {
            let header = json!({ "alg": alg, "kid": header["kid"] });
            let token = format!("{}.{}.{signature}", part(&header), part(&claims));
            api.get("/me", &token).is(
                INVALID_TOKEN,
                &format!("alg {alg:?}, signature {signature:?}"),
            );
        }
    }
}

// conformance 67, 76: the public key as an HMAC secret, in every encoding that a library might use
#[test]
fn public_key_is_not_accepted_as_hmac_secret() {
    let (server, api) = api::start();
    let jwk = server.public_key(DEFAULT, "RS256");
    let modulus = URL_SAFE_NO_PAD
        .decode(jwk["n"].as_str().expect("n"))
        .expect("base64url");
    let der = subject_public_key_info(&modulus);
    let lines: Vec<_> = STANDARD.encode(&der).into_bytes();
    let lines: Vec<_> = lines
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    );

    let secrets: [(&str, Vec<u8>); 6] = [
        ("PEM", pem.clone().into_bytes()),
        (
            "PEM without its last line break",
            pem.trim_end().as_bytes().to_vec(),
        ),
        ("DER", der),
        ("modulus", modulus),
        ("JWK", jwk.to_string().into_bytes()),
        (
            "n as text",
            jwk["n"].as_str().expect("n").as_bytes().to_vec(),
        ),
    ];
    for (what, secret) in secrets {
        let forged = json!({
            "header": { "alg": "HS256", "kid": jwk["kid"] },
            "payload": server.claims(),
            "secret": URL_SAFE_NO_PAD.encode(secret),
        });
        api.get("/me", &server.sign_at(DEFAULT, &forged))
            .is(INVALID_TOKEN, what);
    }
}

// conformance 43, 81: keys that the token carries, and keys of another issuer
#[test]
fn foreign_key_is_not_trusted() {
    let (server, api) = api::start();
    let trusted = server.public_key(DEFAULT, "RS256")["kid"].clone();
    let jwk = server.public_key(TENANT_B, "RS256");
    api.get("/me", &server.token("read")).is_accepted("before");
    server.take_hits("other");
    let keys_url = format!("{}/elsewhere", server.base());
    for header in [
        json!({ "alg": "RS256", "kid": trusted }),
        json!({ "alg": "RS256", "kid": trusted, "jwk": jwk }),
        json!({ "alg": "RS256", "kid": trusted, "jku": keys_url }),
        json!({ "alg": "RS256", "kid": trusted, "x5u": keys_url }),
        json!({ "alg": "RS256", "kid": trusted, "x5c": ["AAAA"] }),
    ] {
        let forged = json!({ "header": header, "payload": server.claims(), "kid": jwk["kid"] });
        let token = server.sign_at(TENANT_B, &forged);
        api.get("/me", &token)
            .is(INVALID_TOKEN, &header.to_string());
    }
    assert_eq!(
        server.take_hits("other"),
        0,
        "URLs in a token are not fetched"
    );
}

// conformance 66, 68: one key, one algorithm
#[test]
fn key_verifies_its_own_algorithm_only() {
    let (server, api) = api::start();
    let rs256 = server.public_key(DEFAULT, "RS256")["kid"].clone();
    let ps256 = server.public_key(DEFAULT, "PS256")["kid"].clone();
    for (alg, kid) in [("PS256", rs256), ("RS256", ps256)] {
        // A valid signature of the key that `kid` names, with the other padding.
        let forged =
            json!({ "header": { "alg": alg, "kid": kid }, "payload": server.claims(), "kid": kid });
        let token = server.sign_at(DEFAULT, &forged);
        api.get("/me", &token)
            .is(INVALID_TOKEN, &format!("{alg} with {kid}"));
    }
}

// conformance 14, 35, 93
#[test]
fn tampered_token_is_rejected() {
    let (server, api) = api::start();
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        server.set("alg", alg);
        let token = server.token("read");
        api.get("/me", &token).is_accepted(alg);
        let (header, mut claims) = decode(&token);
        let parts: Vec<_> = token.split('.').collect();

        claims["scp"] = json!(["read", "orders:read"]);
        let more = format!("{}.{}.{}", parts[0], part(&claims), parts[2]);
        api.get("/orders", &more)
            .is(INVALID_TOKEN, "another payload");
        let header = format!(
            "{}.{}.{}",
            part(&with(&header, "x", json!(1))),
            parts[1],
            parts[2]
        );
        api.get("/me", &header).is(INVALID_TOKEN, "another header");
        let mut bytes = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        bytes[7] ^= 1;
        let flipped = format!(
            "{}.{}.{}",
            parts[0],
            parts[1],
            URL_SAFE_NO_PAD.encode(bytes)
        );
        api.get("/me", &flipped)
            .is(INVALID_TOKEN, "one bit of the signature");
        api.get("/me", &format!("{token}="))
            .is(INVALID_TOKEN, "padding");
        api.get("/me", &token[..token.len() - 1])
            .is(INVALID_TOKEN, "one character fewer");
        api.get("/me", &token).is_accepted("still");
    }
}

// conformance 41, 42, 49, 51, 53, 54, 55, 83: signed by the issuer, but invalid
#[test]
fn missing_or_wrong_claims_are_rejected() {
    let (server, api) = api::start();
    let good = server.claims();
    api.get("/me", &server.sign(json!({}), &good))
        .is_accepted("nothing changed");

    for missing in ["iss", "aud", "sub", "exp", "cid"] {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(missing);
        api.get("/me", &server.sign(json!({}), &claims))
            .is(INVALID_TOKEN, &format!("no {missing}"));
    }
    for (claim, value) in [
        ("iss", json!(format!("{}/", server.issuer()))),
        ("iss", json!(server.issuer().to_uppercase())),
        ("iss", json!([server.issuer()])),
        ("aud", json!("API://DEFAULT")),
        ("aud", json!(["api://default", 1])),
        ("aud", json!([])),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("exp", json!((now() + 600).to_string())),
        ("exp", json!(true)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("nbf", json!(now() + 3600)),
        ("iat", json!(now() + 3600)),
        ("iat", json!("now")),
        ("scp", json!({})),
        ("scp", json!(["orders:read orders:write"])),
        ("cid", json!(["0oaclient1"])),
    ] {
        let token = server.sign(json!({}), &with(&good, claim, value.clone()));
        api.get("/me", &token)
            .is(INVALID_TOKEN, &format!("{claim} {value}"));
    }
    for (claim, value) in [
        ("aud", json!(["api://other", "api://default"])),
        ("exp", json!(now() as f64 + 600.5)),
        ("nbf", json!(now() + 30)),
        ("unknown", json!({ "deep": [1, 2, 3] })),
    ] {
        let token = server.sign(json!({}), &with(&good, claim, value.clone()));
        api.get("/me", &token)
            .is_accepted(&format!("{claim} {value}"));
    }
    for payload in [
        "[]",
        "7",
        "\"text\"",
        "{",
        "{\"sub\":\"a\",\"sub\":\"b\"}",
        "",
    ] {
        let forged = json!({ "header": {}, "payload": payload });
        api.get("/me", &server.sign_at(DEFAULT, &forged))
            .is(INVALID_TOKEN, payload);
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

/// Returns the X.509 form of a 2048-bit RSA key with the exponent 65537.
fn subject_public_key_info(modulus: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00";
    const AFTER: &[u8] = b"\x02\x03\x01\x00\x01";
    assert_eq!(modulus.len(), 256);
    [BEFORE, modulus, AFTER].concat()
}
