//! Strict JSON objects.

use crate::{error::MalformedTokenError, token::json::Object};

fn refusal(text: &str) -> MalformedTokenError {
    Object::parse(text).expect_err(text)
}

/// Returns `{"a": …}`, `depth` levels deep.
fn nested(open: &str, close: &str, depth: usize) -> String {
    format!(
        r#"{{"a":{}1{}}}"#,
        open.repeat(depth - 1),
        close.repeat(depth - 1)
    )
}

// conformance 37, 38, 39
#[test]
fn json_member_that_occurs_twice_is_rejected_at_every_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"c":3,"a":4}"#,
        r#"{"":1,"":2}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"\u00e9":1,"é":1}"#,
        r#"{"\ud83d\ude00":1,"😀":1}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[{"b":1},{"b":1,"\u0062":2}]}"#,
        r#"{"act":{"sub":"x","act":{"sub":"y","sub":"z"}}}"#,
    ] {
        assert_eq!(
            refusal(text),
            MalformedTokenError::DuplicateMember,
            "{text}"
        );
    }
    // The same name in another object is not a duplicate.
    let distinct = r#"{"a":{"a":[{"a":1},{"a":1}]},"A":1,"a ":1}"#;
    assert!(Object::parse(distinct).is_ok());
}

// conformance 57
#[test]
fn json_too_deep_is_rejected() {
    assert!(Object::parse(&nested("[", "]", 16)).is_ok());
    assert!(Object::parse(&nested(r#"{"a":"#, "}", 16)).is_ok());
    for text in [
        nested("[", "]", 17),
        nested(r#"{"a":"#, "}", 17),
        nested("[", "]", 100_000),
        nested(r#"{"a":"#, "}", 100_000),
    ] {
        assert_eq!(refusal(&text), MalformedTokenError::TooDeep);
    }
}

// field kind L
#[test]
fn json_object_of_any_width_is_read_and_a_duplicate_in_it_rejected() {
    let wide = |members: usize| {
        let members: Vec<_> = (0..members).map(|n| format!("\"{n}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    for members in [256, 257, 5_000] {
        let object = wide(members);
        let parsed = Object::parse(&object).unwrap();
        assert_eq!(parsed.get(&(members - 1).to_string()), Some("0"));
        assert!(Object::parse(&format!(r#"{{"a":[{object}]}}"#)).is_ok());
        for name in [0, members / 2, members - 1] {
            let twice = object.replacen('{', &format!(r#"{{"{name}":1,"#), 1);
            assert_eq!(refusal(&twice), MalformedTokenError::DuplicateMember);
            let inside = format!(r#"{{"a":[{twice}]}}"#);
            assert_eq!(refusal(&inside), MalformedTokenError::DuplicateMember);
        }
    }
}

// conformance 36, 48, 58
#[test]
fn json_that_is_invalid_is_rejected() {
    for value in [
        // Half of a surrogate pair is not a character (RFC 8259 §8.2).
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud800x""#,
        r#"["\ud800"]"#,
        r#"{"\ud800":1}"#,
        // No number type holds these.
        "1e999",
        "-1e999",
        "1e308",
        "0.0001e312",
        "-12e307",
        "1e99999999999999999999",
        "[1e999]",
        // These are not JSON.
        "01",
        ".5",
        "1.",
        "+1",
        "Infinity",
        "'a'",
        r#""\x41""#,
        "\"\n\"",
        "[1,]",
        "tru",
        "",
    ] {
        let text = format!(r#"{{"a":{value}}}"#);
        assert_eq!(refusal(&text), MalformedTokenError::Json, "{text}");
    }
    let digits = |count| format!(r#"{{"a":{}}}"#, "9".repeat(count));
    assert!(Object::parse(&digits(308)).is_ok());
    assert_eq!(refusal(&digits(309)), MalformedTokenError::Json);
}

// conformance 39
#[test]
fn json_value_is_found_by_its_unescaped_name() {
    let text = r#" {"b": [1, 2] ,"\u0061":"x\u0079" ,"":null}"#;
    let object = Object::parse(text).unwrap();
    assert_eq!(object.get("a"), Some(r#""x\u0079""#));
    assert_eq!(object.get("b"), Some("[1, 2]"));
    assert_eq!(object.get(""), Some("null"));
    assert_eq!(object.get("c"), None);
    assert_eq!(object.get(r"\u0061"), None);
}

// conformance 57
#[test]
fn json_number_is_checked_by_its_digits_and_not_converted() {
    for value in [
        "0e999",
        "-0.000e99999999999999999999",
        "9.9e307",
        "0.0001e311",
        "1e-999",
        "1e-99999999999999999999",
        "15000000000000000414e288", // close to the middle of two doubles
    ] {
        let text = format!(r#"{{"a":{value}}}"#);
        assert!(Object::parse(&text).is_ok(), "{text}");
    }
    let digits = |count| format!(r#"{{"a":{}}}"#, "9".repeat(count));
    assert!(Object::parse(&digits(308)).is_ok());
    assert_eq!(refusal(&digits(309)), MalformedTokenError::Json);
}
