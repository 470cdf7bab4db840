use std::sync::Arc;

use serde_json::{Value, json};

use super::{ed25519, p256, p384, p521, rsa, set_of, with};
use crate::{
    algorithm::Algorithm,
    error::FetchError,
    keys::{
        key::{Key, Skipped},
        set::{Found, KeySet},
    },
};

fn parse(document: &Value) -> Result<KeySet, FetchError> {
    KeySet::parse(document.to_string().as_bytes())
}

fn key(set: &KeySet, kid: &str, algorithm: Algorithm) -> Arc<Key> {
    match set.find(kid, algorithm) {
        Found::Key(key) => key,
        other => panic!("{kid}: {other:?}"),
    }
}

// conformance 61
#[test]
fn a_document_that_is_no_key_set_is_an_error() {
    let entry = rsa().to_string();
    let good = format!(r#"{{"keys":[{entry}]}}"#);
    let trailing = format!("{good}x");
    // serde reads a struct from an array too.
    let array = format!("[[{entry}]]");
    let documents: [&[u8]; 14] = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<!doctype html><title>Sign in</title>",
        b"{\"keys\":null}",
        b"{\"keys\":{}}",
        b"{\"keys\":\"rsa\"}",
        b"{\"Keys\":[]}",
        b"\xff\xfe",
        &good.as_bytes()[..good.len() / 2],
        &good.as_bytes()[..good.len() - 1],
        trailing.as_bytes(),
        array.as_bytes(),
    ];
    for document in documents {
        let error = KeySet::parse(document).expect_err(&String::from_utf8_lossy(document));
        assert!(matches!(error, FetchError::Malformed { .. }), "{error}");
    }
    KeySet::parse(good.as_bytes()).unwrap();
}

// conformance 61
#[test]
fn a_second_keys_member_is_refused_and_other_members_are_ignored() {
    let entry = rsa().to_string();
    for twice in [
        format!(r#"{{"keys":[{entry}],"keys":[{entry}]}}"#),
        format!(r#"{{"keys":[{entry}],"\u006beys":[]}}"#),
    ] {
        assert!(KeySet::parse(twice.as_bytes()).is_err(), "{twice}");
    }
    let more = json!({ "keys": [rsa()], "issuer": 5, "next": { "keys": [] } });
    key(&parse(&more).unwrap(), "rsa", Algorithm::RS256);
}

// conformance 62, 143
#[test]
fn a_set_without_a_usable_key_is_an_error() {
    for (keys, skipped) in [
        (json!([]), 0),
        (json!([null, 42, {}]), 3),
        (json!([with(rsa(), "use", "enc")]), 1),
        (json!([p256(), other_p256()]), 2),
    ] {
        let error = parse(&json!({ "keys": keys })).unwrap_err();
        assert!(
            matches!(error, FetchError::NoUsableKey { skipped: count } if count == skipped),
            "{error}"
        );
    }
}

// conformance 62, 64, 76
#[test]
fn bad_entries_are_skipped_and_counted_and_the_good_ones_stay() {
    let keys = json!([
        null,
        with(rsa(), "kid", 7),
        rsa(),
        { "kty": "AKP", "kid": "lattice", "alg": "ML-DSA-44", "pub": "AA" },
        { "kty": "oct", "kid": "p256", "k": "AA" },
        with(with(p256(), "use", "enc"), "kid", "rsa"),
        p256(),
        with(rsa(), "n", "AQAB"),
    ]);
    let set = parse(&json!({ "keys": keys })).unwrap();
    key(&set, "rsa", Algorithm::RS256);
    key(&set, "p256", Algorithm::ES256);
    assert_eq!(set.keys().len(), 2);
    assert_eq!(
        set.skipped(),
        [
            Skipped::Malformed,
            Skipped::Malformed,
            Skipped::Unsupported,
            Skipped::Private,
            Skipped::NotForSignatures,
            Skipped::Strength,
        ]
    );
}

// conformance 62
#[test]
fn one_hundred_keys_are_read_and_one_more_is_refused() {
    let kids: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let kids: Vec<&str> = kids.iter().map(String::as_str).collect();
    let set = KeySet::parse(&set_of(&kids[..100])).unwrap();
    assert_eq!(set.keys().len(), 100);
    let error = KeySet::parse(&set_of(&kids)).unwrap_err();
    assert!(
        matches!(error, FetchError::TooManyKeys { limit: 100 }),
        "{error}"
    );
    // Entries that are no keys count too: the cap is on the work.
    let junk = json!({ "keys": vec![Value::Null; 100_000] });
    assert!(matches!(
        parse(&junk),
        Err(FetchError::TooManyKeys { limit: 100 })
    ));
}

// conformance 69
// field kind E
#[test]
fn keys_with_equal_kid_and_algorithm_that_differ_are_skipped_and_no_others() {
    let set = parse(&json!({ "keys": [p256(), rsa(), other_p256(), p384()] })).unwrap();
    assert!(matches!(set.find("p256", Algorithm::ES256), Found::Nothing));
    key(&set, "rsa", Algorithm::RS256);
    key(&set, "p384", Algorithm::ES384);
    assert_eq!(set.skipped(), [Skipped::Ambiguous; 2]);
    // A repeated one does not outvote the other.
    let set = parse(&json!({ "keys": [p256(), other_p256(), p256(), rsa()] })).unwrap();
    assert!(matches!(set.find("p256", Algorithm::ES256), Found::Nothing));
    key(&set, "rsa", Algorithm::RS256);
    // Only the algorithm that is ambiguous is lost.
    let ps = |jwk| with(with(jwk, "alg", "PS256"), "kid", "one");
    let rs = |jwk| with(with(jwk, "alg", "RS256"), "kid", "one");
    let set = parse(&json!({ "keys": [ps(rsa()), rs(rsa()), rs(other_rsa())] })).unwrap();
    assert!(matches!(
        set.find("one", Algorithm::RS256),
        Found::OtherAlgorithm
    ));
    key(&set, "one", Algorithm::PS256);
}

// field kind E
#[test]
fn key_that_occurs_twice_is_one_key() {
    let named = with(with(rsa(), "alg", "RS256"), "use", "sig");
    for keys in [
        json!([rsa(), rsa()]),
        json!([rsa(), p256(), rsa(), rsa()]),
        json!([named, rsa()]),
    ] {
        let set = parse(&json!({ "keys": keys })).unwrap();
        key(&set, "rsa", Algorithm::RS256);
        assert!(set.skipped().is_empty(), "{keys}");
        let distinct = if keys.as_array().unwrap().contains(&p256()) {
            2
        } else {
            1
        };
        assert_eq!(set.keys().len(), distinct);
    }
    let other_kid = with(rsa(), "kid", "other");
    let set = parse(&json!({ "keys": [rsa(), other_kid] })).unwrap();
    assert_eq!(set.keys().len(), 2);
}

// field kind E
#[test]
fn key_id_published_for_several_algorithms_names_a_key_for_each() {
    for differ in [false, true] {
        let keys = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(|alg| {
            let jwk = if differ && alg != "RS256" {
                other_rsa()
            } else {
                rsa()
            };
            with(with(jwk, "alg", alg), "kid", "shared")
        });
        let curves = [p256(), p384(), p521(), ed25519()].map(|jwk| with(jwk, "kid", "shared"));
        let keys: Vec<Value> = keys.into_iter().chain(curves).collect();
        let set = parse(&json!({ "keys": keys })).unwrap();
        for algorithm in [
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::ES512,
            Algorithm::EdDSA,
        ] {
            assert_eq!(key(&set, "shared", algorithm).algorithm, algorithm);
        }
        assert!(set.skipped().is_empty());
    }
}

/// RFC 9449 §4.1.
fn other_p256() -> Value {
    json!({
        "kty": "EC", "kid": "p256", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    })
}

/// The same modulus with another exponent is another key.
fn other_rsa() -> Value {
    with(rsa(), "e", "Aw")
}

// conformance 69
#[test]
fn one_kid_may_name_keys_of_several_types() {
    let keys = [rsa(), p256(), ed25519()].map(|jwk| with(jwk, "kid", "shared"));
    let set = parse(&json!({ "keys": keys })).unwrap();
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        assert_eq!(key(&set, "shared", algorithm).algorithm, algorithm);
    }
    assert!(set.skipped().is_empty());
}

// conformance 66, 68
#[test]
fn a_kid_is_found_for_its_own_algorithm_only() {
    let set = parse(&json!({ "keys": [rsa()] })).unwrap();
    for algorithm in [Algorithm::RS384, Algorithm::PS256, Algorithm::ES256] {
        let found = set.find("rsa", algorithm);
        assert!(matches!(found, Found::OtherAlgorithm), "{algorithm}");
    }
    for kid in ["", "RSA", "rsa ", "other"] {
        assert!(matches!(set.find(kid, Algorithm::RS256), Found::Nothing));
    }
}

// conformance 149, 151
#[test]
fn a_successor_keeps_what_is_unchanged_and_retires_the_rest() {
    let first = parse(&json!({ "keys": [rsa(), p256(), ed25519()] })).unwrap();
    let old = |kid, algorithm| key(&first, kid, algorithm);
    // The same material under another algorithm is another key.
    let mut second = parse(&json!({ "keys": [with(rsa(), "alg", "PS256"), p256()] })).unwrap();
    assert!(second.differs(&first) && first.differs(&second));
    second.succeed(&first);

    let kept = key(&second, "p256", Algorithm::ES256);
    assert!(Arc::ptr_eq(&kept, &old("p256", Algorithm::ES256)) && !kept.is_retired());
    assert!(old("rsa", Algorithm::RS256).is_retired());
    assert!(old("ed25519", Algorithm::EdDSA).is_retired());
    assert!(matches!(
        second.find("ed25519", Algorithm::EdDSA),
        Found::Nothing
    ));

    let mut third = parse(&json!({ "keys": [p256(), ed25519()] })).unwrap();
    third.succeed(&second);
    let returned = key(&third, "ed25519", Algorithm::EdDSA);
    assert!(!returned.is_retired(), "a key that returns is a new one");
    assert!(old("ed25519", Algorithm::EdDSA).is_retired());
}

#[test]
fn the_order_of_the_keys_is_no_difference() {
    let one = KeySet::parse(&set_of(&["a", "b"])).unwrap();
    let other = KeySet::parse(&set_of(&["b", "a"])).unwrap();
    assert!(!one.differs(&other) && !other.differs(&one));
    let fewer = KeySet::parse(&set_of(&["a"])).unwrap();
    assert!(one.differs(&fewer) && fewer.differs(&one));
}
