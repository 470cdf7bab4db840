//! Properties of tokens, claims and JSON for arbitrary input.

use base64::Engine;
use proptest::{collection::vec, prelude::*};

use super::{HEADER, compact, encode, json_model};
use crate::{
    error::MalformedTokenError,
    token::{BASE64URL, base64url, claims::Claims, json::Object},
};

/// JSON text, and whether a member occurs twice somewhere in it.
#[derive(Clone, Debug)]
struct Written(String, bool);

/// Returns a name, with or without escapes.
fn name() -> impl Strategy<Value = (usize, String)> {
    let spellings = [
        [r#""a""#, r#""\u0061""#],
        [r#""é""#, r#""\u00e9""#],
        [r#""/""#, r#""\/""#],
        [r#""""#, r#""""#],
        [r#""b""#, r#""b" "#],
        [r#""exp""#, r#""e\u0078p""#],
    ];
    (0..6_usize, 0..2_usize).prop_map(move |(name, form)| (name, spellings[name][form].to_owned()))
}

fn json() -> impl Strategy<Value = Written> {
    let leaf = prop_oneof![
        Just("null"),
        Just("true"),
        Just("0"),
        Just("-1.5e3"),
        Just("12345678901234567890123"),
        Just(r#""x\n\ud83d\ude00""#),
        Just("\"\""),
    ]
    .prop_map(|text| Written(text.to_owned(), false));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|elements| {
                let texts: Vec<_> = elements.iter().map(|Written(text, _)| &**text).collect();
                let twice = elements.iter().any(|Written(_, twice)| *twice);
                Written(format!("[{}]", texts.join(" ,")), twice)
            }),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = Written>) -> impl Strategy<Value = Written> {
    vec((name(), value), 0..4).prop_map(|members| {
        let mut names: Vec<usize> = members.iter().map(|((name, _), _)| *name).collect();
        names.sort_unstable();
        let twice = names.windows(2).any(|pair| pair[0] == pair[1])
            || members.iter().any(|(_, Written(_, twice))| *twice);
        let texts: Vec<_> = members
            .iter()
            .map(|((_, name), Written(value, _))| format!("{name}: {value}"))
            .collect();
        Written(format!("{{{}}}", texts.join(",")), twice)
    })
}

/// Returns text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    prop_oneof![
        r#"[\[\]{}",:\\u0-9a-fEtrn.+ -]{0,40}"#,
        r#"\{"(a|\\u0061)":[\[\]{}",:\\ud0-9a-f.e+-]{0,20}\}"#,
        any::<String>(),
    ]
}

/// Returns JSON with a few bytes changed.
fn damaged_json() -> impl Strategy<Value = String> {
    let edit = (
        any::<usize>(),
        0..3_usize,
        r#"[\[\]{}",:\\\x08 ud0-9eE.+-]"#,
    );
    (object(json()), vec(edit, 1..4)).prop_map(|(Written(text, _), edits)| {
        let mut text: Vec<char> = text.chars().collect();
        for (place, removed, added) in edits {
            let start = place % (text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, added.chars());
        }
        text.into_iter().collect()
    })
}

/// Checks that the parser and the model both accept the text and read the same members, or both reject it.
fn assert_agrees(text: &str) {
    match (Object::parse(text), json_model::parse(text)) {
        (Ok(object), Ok(members)) => {
            assert_eq!(object.len(), members.len(), "{text:?}");
            for (name, value) in members {
                assert_eq!(object.get(&name), Some(value), "{text:?}");
            }
        }
        (Err(_), Err(_)) => {}
        (ours, model) => panic!("{text:?}: {ours:?}, and the model {model:?}"),
    }
}

/// Returns all texts of `length` of these characters.
fn every(alphabet: &str, length: usize) -> impl Iterator<Item = String> {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let count = alphabet.len().pow(length as u32);
    (0..count).map(move |mut number| {
        let mut text = String::new();
        for _ in 0..length {
            text.push(alphabet[number % alphabet.len()]);
            number /= alphabet.len();
        }
        text
    })
}

// conformance 36, 48, 58
#[test]
fn json_of_every_short_text_agrees_with_serde_json() {
    for length in 0..5 {
        for value in every("[]{}\",:01-+.eE t", length) {
            assert_agrees(&format!(r#"{{"a":{value}}}"#));
        }
        for text in every("\\\"/ubdD8c0é\n", length) {
            assert_agrees(&format!(r#"{{"a":"{text}"}}"#));
            assert_agrees(&format!(r#"{{"{text}":1}}"#));
        }
        // Surrogate pairs, complete and incomplete.
        for units in every("8bcdfx", length) {
            let text: String = units
                .chars()
                .map(|digit| format!(r"\ud{digit}00"))
                .collect();
            assert_agrees(&format!(r#"{{"a":"{text}"}}"#));
        }
    }
}

// conformance 34, 35
#[test]
fn base64url_of_every_byte_agrees_with_the_crate_base64() {
    for length in 0..70 {
        for place in 0..length {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'w'; length];
                text[place] = byte;
                let ours = base64url::decode(&text).ok();
                assert_eq!(
                    ours,
                    BASE64URL.decode(&text).ok(),
                    "{length} {place} {byte}"
                );
            }
        }
    }
}

// conformance 36
#[test]
fn json_special_byte_is_found_in_every_place() {
    for length in 0..40 {
        for place in 0..length {
            for byte in 0..0x80 {
                let mut text = vec![b'x'; length];
                text[place] = byte;
                let text = String::from_utf8(text).expect("ASCII");
                assert_agrees(&format!(r#"{{"a":"{text}"}}"#));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // conformance 37, 38, 39
    #[test]
    fn json_object_is_accepted_exactly_without_duplicates(
        Written(text, twice) in object(json())
    ) {
        assert_agrees(&text);
        match Object::parse(&text) {
            Ok(_) => prop_assert!(!twice),
            Err(reason) => {
                prop_assert!(twice);
                prop_assert_eq!(reason, MalformedTokenError::DuplicateMember);
            }
        }
    }

    // conformance 36, 48
    #[test]
    fn json_that_serde_json_rejects_is_rejected(
        text in nearly_json(),
        damaged in damaged_json(),
        number in "-?[0-9]{0,3}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{0,4})?",
    ) {
        assert_agrees(&text);
        assert_agrees(&damaged);
        // Near the limit of a double, the model accepts numbers that the parser rejects.
        let is_near = number.parse::<f64>().is_ok_and(|number| number.is_finite() && number.abs() >= 1e308);
        prop_assume!(!is_near);
        assert_agrees(&format!(r#"{{"a":{number}}}"#));
    }

    // conformance 35
    #[test]
    fn base64url_has_one_spelling(
        text in "[A-Za-z0-9_-]{0,100}",
        bytes in any::<Vec<u8>>(),
        place in 0..100_usize,
        strange in any::<u8>(),
    ) {
        if let Ok(decoded) = base64url::decode(text.as_bytes()) {
            prop_assert_eq!(BASE64URL.encode(decoded), &*text);
        }
        prop_assert_eq!(base64url::decode(BASE64URL.encode(&bytes).as_bytes()).unwrap(), bytes);
        let mut text = text.into_bytes();
        text.insert(place.min(text.len()), strange);
        prop_assert_eq!(base64url::decode(&text).ok(), BASE64URL.decode(&text).ok());
    }

    // conformance 33, 34, 57, 58
    #[test]
    fn token_of_any_bytes_does_not_panic(
        text in any::<String>(),
        parts in vec("[A-Za-z0-9_-]{0,20}", 0..7),
        header in any::<Vec<u8>>(),
        payload in any::<Vec<u8>>(),
        json in nearly_json(),
    ) {
        for token in [
            text,
            parts.join("."),
            compact(&header, &payload),
            compact(&json, "{}"),
            compact(HEADER, &json),
            format!("{}.{}.{}", encode(HEADER), encode("{}"), parts.concat()),
        ] {
            if let Ok(jws) = super::parse(&token) {
                prop_assert!(token.as_bytes().starts_with(jws.signed));
                let spelled = format!(
                    "{}.{}",
                    std::str::from_utf8(jws.signed).unwrap(),
                    encode(&jws.signature)
                );
                prop_assert_eq!(spelled, token);
            }
        }
    }

    // conformance 38, 48, 49
    #[test]
    fn claims_of_any_text_do_not_panic(
        text in nearly_json(),
        claim in prop_oneof![
            Just("exp"), Just("nbf"), Just("iat"), Just("aud"), Just("scp"), Just("scope"),
            Just("sub"), Just("cid"), Just("cnf"), Just("events"),
        ],
        value in prop_oneof![
            json().prop_map(|Written(text, _)| text),
            any::<f64>().prop_map(|number| number.to_string()),
            any::<i128>().prop_map(|number| number.to_string()),
            "[0-9]{1,20}(\\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?",
        ],
    ) {
        let _ = Claims::parse(&text);
        let payload = format!(
            r#"{{"iss":"i","{claim}":{value}{}}}"#,
            [("sub", "\"s\""), ("aud", "\"a\""), ("exp", "1")]
                .iter()
                .filter(|(name, _)| *name != claim)
                .map(|(name, value)| format!(",\"{name}\":{value}"))
                .collect::<String>()
        );
        if let Ok(claims) = Claims::parse(&payload) {
            prop_assert!(claims.exp <= 1 << 53);
            prop_assert!(claims.aud.is_none_or(|aud| !aud.is_empty()));
        }
    }
}
