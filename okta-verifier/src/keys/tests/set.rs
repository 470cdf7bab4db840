//! Key sets, their order and their successors.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{ed25519, key::WEAK_MODULUS, p256, p384, p521, rsa, set_of, with, without};
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError},
    keys::{
        KeyOptions,
        jwk::{Key, Skipped},
        set::{Found, KeySet},
    },
};

fn parse(document: &Value) -> Result<KeySet, UnavailableReason> {
    KeySet::parse(document.to_string().as_bytes(), KeyOptions::default())
}

fn key(set: &KeySet, kid: &str, algorithm: Algorithm) -> Arc<Key> {
    match set.find(kid, algorithm) {
        Found::Key(key) => key,
        other => panic!("{kid}: {other:?}"),
    }
}

// conformance 61
#[test]
fn set_that_is_not_a_key_set_is_an_error() {
    let entry = rsa().to_string();
    let good = format!(r#"{{"keys":[{entry}]}}"#);
    let trailing = format!("{good}x");
    // serde also reads a struct from an array.
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
        let error = KeySet::parse(document, KeyOptions::default())
            .expect_err(&String::from_utf8_lossy(document));
        assert!(
            matches!(error, UnavailableReason::Malformed { .. }),
            "{error}"
        );
    }
    KeySet::parse(good.as_bytes(), KeyOptions::default()).unwrap();
}

// conformance 61
#[test]
fn set_with_a_second_keys_member_is_rejected() {
    let entry = rsa().to_string();
    for twice in [
        format!(r#"{{"keys":[{entry}],"keys":[{entry}]}}"#),
        format!(r#"{{"keys":[{entry}],"\u006beys":[]}}"#),
    ] {
        assert!(
            KeySet::parse(twice.as_bytes(), KeyOptions::default()).is_err(),
            "{twice}"
        );
    }
    let more = json!({ "keys": [rsa()], "issuer": 5, "next": { "keys": [] } });
    key(&parse(&more).unwrap(), "rsa", Algorithm::RS256);
}

// conformance 62, 143
#[test]
fn set_without_a_usable_key_is_an_error() {
    for (keys, skipped) in [
        (json!([]), 0),
        (json!([null, 42, {}]), 3),
        (json!([with(rsa(), "use", "enc")]), 1),
        (json!([p256(), other_p256()]), 2),
    ] {
        let error = parse(&json!({ "keys": keys })).unwrap_err();
        assert!(
            matches!(error, UnavailableReason::NoUsableKey { skipped: count, .. } if count == skipped),
            "{error}"
        );
    }
}

// conformance 62, 64, 76
#[test]
fn set_skips_and_counts_invalid_entries() {
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
        set.skipped().reasons(),
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
fn set_of_more_than_100_keys_is_rejected() {
    let kids: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let kids: Vec<&str> = kids.iter().map(String::as_str).collect();
    let set = KeySet::parse(&set_of(&kids[..100]), KeyOptions::default()).unwrap();
    assert_eq!(set.keys().len(), 100);
    let error = KeySet::parse(&set_of(&kids), KeyOptions::default()).unwrap_err();
    assert!(
        matches!(error, UnavailableReason::TooManyKeys { limit: 100 }),
        "{error}"
    );
    // Entries that are not keys count too, because the limit is on the work.
    let junk = json!({ "keys": vec![Value::Null; 100_000] });
    assert!(matches!(
        parse(&junk),
        Err(UnavailableReason::TooManyKeys { limit: 100 })
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
    assert_eq!(set.skipped().reasons(), [Skipped::Ambiguous; 2]);
    // A repeated key does not outvote the other one.
    let set = parse(&json!({ "keys": [p256(), other_p256(), p256(), rsa()] })).unwrap();
    assert!(matches!(set.find("p256", Algorithm::ES256), Found::Nothing));
    key(&set, "rsa", Algorithm::RS256);
    // Only the ambiguous algorithm is skipped.
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
fn key_id_may_name_keys_of_several_types() {
    let keys = [rsa(), p256(), ed25519()].map(|jwk| with(jwk, "kid", "shared"));
    let set = parse(&json!({ "keys": keys })).unwrap();
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        assert_eq!(key(&set, "shared", algorithm).algorithm, algorithm);
    }
    assert!(set.skipped().is_empty());
}

// conformance 66, 68
#[test]
fn key_id_is_found_for_its_own_algorithm_only() {
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
fn set_successor_keeps_unchanged_keys_and_retires_the_others() {
    let first = parse(&json!({ "keys": [rsa(), p256(), ed25519()] })).unwrap();
    let old = |kid, algorithm| key(&first, kid, algorithm);
    // The same numbers with another algorithm are another key.
    let mut second = parse(&json!({ "keys": [with(rsa(), "alg", "PS256"), p256()] })).unwrap();
    assert!(second.differs(&first) && first.differs(&second));
    second.replace(&first);

    let kept = key(&second, "p256", Algorithm::ES256);
    assert!(Arc::ptr_eq(&kept, &old("p256", Algorithm::ES256)) && !kept.is_retired());
    assert!(old("rsa", Algorithm::RS256).is_retired());
    assert!(old("ed25519", Algorithm::EdDSA).is_retired());
    assert!(matches!(
        second.find("ed25519", Algorithm::EdDSA),
        Found::Nothing
    ));

    let mut third = parse(&json!({ "keys": [p256(), ed25519()] })).unwrap();
    third.replace(&second);
    let returned = key(&third, "ed25519", Algorithm::EdDSA);
    assert!(!returned.is_retired(), "a key that returns is a new one");
    assert!(old("ed25519", Algorithm::EdDSA).is_retired());
}

#[test]
fn set_order_makes_no_difference() {
    let one = KeySet::parse(&set_of(&["a", "b"]), KeyOptions::default()).unwrap();
    let other = KeySet::parse(&set_of(&["b", "a"]), KeyOptions::default()).unwrap();
    assert!(!one.differs(&other) && !other.differs(&one));
    let fewer = KeySet::parse(&set_of(&["a"]), KeyOptions::default()).unwrap();
    assert!(one.differs(&fewer) && fewer.differs(&one));
}

// field kind I
#[test]
fn set_without_a_usable_key_explains_each_skipped_entry() {
    let keys = json!([
        null,
        with(rsa(), "use", "enc"),
        without(rsa(), "kid"),
        with(with(p256(), "d", "AQ"), "kid", "a \"quoted\" \\ one"),
        with(with(p256(), "alg", "RS256"), "kid", "k".repeat(64)),
        with(with(rsa(), "n", "AQAB"), "kid", "k".repeat(65)),
        with(with(p256(), "x", "AQ"), "kid", "line\nbreak"),
        with(with(ed25519(), "crv", "X25519"), "kid", "\u{202e}"),
        with(rsa(), "n", WEAK_MODULUS),
        p256(),
        other_p256(),
        7,
    ]);
    let error = parse(&json!({ "keys": keys })).unwrap_err();
    let entries = [
        "entry 1: it is not a valid JWK".to_owned(),
        "entry 2 (kid \"rsa\"): its use or key_ops does not include the verification of signatures".to_owned(),
        "entry 3: it has no kid, so no token can name it".to_owned(),
        "entry 4 (kid \"a \\\"quoted\\\" \\\\ one\"): it contains private or symmetric key material".to_owned(),
        format!("entry 5 (kid \"{}\"): its alg does not fit its type or curve", "k".repeat(64)),
        "entry 6: its RSA modulus does not have 2048 to 8192 bits, or its exponent is not an odd number from 3 to 2^32 - 1".to_owned(),
        "entry 7: its coordinates are not a point on its curve".to_owned(),
        "entry 8: its type, curve or algorithm is not supported".to_owned(),
        "entry 9 (kid \"rsa\"): its RSA modulus has the fingerprint of CVE-2017-15361 (ROCA)".to_owned(),
        "entry 10 (kid \"p256\"): another key of the set has the same kid and algorithm".to_owned(),
        "and 2 more".to_owned(),
    ];
    let expected = format!(
        "the key set has no usable key; skipped: 12 ({})",
        entries.join("; ")
    );
    assert_eq!(error.to_string(), expected);
    let empty = parse(&json!({ "keys": [] })).unwrap_err();
    assert_eq!(
        empty.to_string(),
        "the key set has no usable key: it has no entries"
    );
}

// field kind I
#[test]
fn set_explains_at_most_ten_skipped_entries() {
    let junk = vec![with(rsa(), "use", "k".repeat(10_000)); 99];
    let error = parse(&json!({ "keys": junk })).unwrap_err().to_string();
    assert!(
        error.ends_with("; and 89 more)") && error.len() < 2_000,
        "{error}"
    );
}

const LONE: KeyOptions = KeyOptions {
    allow_missing_key_id: true,
    rsa_without_alg: Algorithm::RS256,
};

fn parse_lone(keys: &Value) -> Result<KeySet, UnavailableReason> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), LONE)
}

// field kind J
#[test]
fn lone_key_is_found_without_a_key_id() {
    let encryption = with(rsa(), "use", "enc");
    for keys in [
        json!([without(p256(), "kid")]),
        json!([p256()]),
        json!([with(p256(), "kid", Value::Null)]),
        json!([with(p256(), "kid", "")]),
        json!([encryption, without(p256(), "kid"), without(p256(), "kid")]),
    ] {
        let set = parse_lone(&keys).unwrap();
        assert!(
            matches!(set.find_only_key(Algorithm::ES256), Ok(Found::Key(_))),
            "{keys}"
        );
        assert!(matches!(
            set.find_only_key(Algorithm::ES384),
            Ok(Found::Nothing)
        ));
        // An absent `kid` is still unknown.
        assert!(matches!(
            set.find("other", Algorithm::ES256),
            Found::Nothing
        ));
        assert!(matches!(set.find("", Algorithm::ES256), Found::Nothing));
    }
}

// field kind J
#[test]
fn keys_without_a_key_id_are_skipped_beside_others() {
    let nameless = without(p256(), "kid");
    for keys in [json!([rsa(), nameless]), json!([nameless, rsa()])] {
        let set = parse_lone(&keys).unwrap();
        key(&set, "rsa", Algorithm::RS256);
        assert_eq!(set.skipped().reasons(), [Skipped::NoKid]);
        for algorithm in [Algorithm::RS256, Algorithm::ES256] {
            let found = set.find_only_key(algorithm);
            assert!(matches!(found, Err(VerifyError::MissingKeyId)), "{keys}");
        }
    }
    let error = parse_lone(&json!([nameless, without(rsa(), "kid")])).unwrap_err();
    assert!(matches!(
        error,
        UnavailableReason::NoUsableKey { skipped: 2, .. }
    ));
    // Two ambiguous keys do not count as a single key.
    assert!(parse_lone(&json!([p256(), other_p256()])).is_err());
}

// field kind J
#[test]
fn lone_key_without_a_key_id_is_skipped_with_the_setting_that_allows_it() {
    let nameless = without(p256(), "kid");
    let encryption = with(rsa(), "use", "enc");
    let names_setting = |keys: Value| {
        let error = parse(&json!({ "keys": keys })).unwrap_err().to_string();
        error.contains("Issuer::allow_missing_key_id")
    };
    assert!(names_setting(json!([nameless])));
    assert!(names_setting(json!([encryption, nameless])));
    // The setting would not help.
    assert!(!names_setting(json!([nameless, without(rsa(), "kid")])));
    assert!(!names_setting(json!([without(encryption, "kid")])));
}

// field kind J
#[test]
fn lone_key_is_not_found_without_a_key_id_by_default() {
    let set = parse(&json!({ "keys": [p256()] })).unwrap();
    let found = set.find_only_key(Algorithm::ES256);
    assert!(matches!(found, Err(VerifyError::MissingKeyId)));
    assert!(parse(&json!({ "keys": [without(p256(), "kid")] })).is_err());
}

// field kind J
#[test]
fn rsa_key_without_alg_has_the_algorithm_of_the_options() {
    let options = KeyOptions {
        rsa_without_alg: Algorithm::PS256,
        ..KeyOptions::default()
    };
    let named = with(with(rsa(), "alg", "RS512"), "kid", "named");
    let keys = json!({ "keys": [rsa(), named, p256()] });
    let set = KeySet::parse(keys.to_string().as_bytes(), options).unwrap();
    key(&set, "rsa", Algorithm::PS256);
    assert!(matches!(
        set.find("rsa", Algorithm::RS256),
        Found::OtherAlgorithm
    ));
    key(&set, "named", Algorithm::RS512);
    key(&set, "p256", Algorithm::ES256);
    // A key never has two algorithms.
    key(&parse(&keys).unwrap(), "rsa", Algorithm::RS256);
}
