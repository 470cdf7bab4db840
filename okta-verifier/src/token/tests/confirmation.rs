//! The claim `cnf`.

use serde_json::{Value, json};

use super::encode;
use crate::{error::VerifyError, token::confirmation::Confirmation};

fn code(cnf: &str) -> &'static str {
    Confirmation::parse(cnf, None)
        .as_ref()
        .map_or_else(VerifyError::code, |_| "accepted")
}

fn hash(byte: u8) -> String {
    encode([byte; 32])
}

// conformance 187
#[test]
fn cnf_with_unknown_members_is_rejected() {
    for cnf in [
        json!({}),
        json!({ "x": 1 }),
        json!({ "jwk": { "kty": "EC" } }),
        json!({ "kid": "1" }),
        json!({ "jkt": hash(1), "kid": "1" }),
        json!({ "x5t#S256": hash(1), "jkt": hash(1), "x5t": hash(1) }),
        json!({ "JKT": hash(1) }),
    ] {
        assert_eq!(code(&cnf.to_string()), "binding_unchecked", "{cnf}");
    }
    for cnf in [
        json!(null),
        json!("jkt"),
        json!([]),
        json!([{ "jkt": hash(1) }]),
        json!(7),
        json!(true),
    ] {
        assert_eq!(code(&cnf.to_string()), "binding_unchecked", "{cnf}");
    }
    let twice = format!(r#"{{"jkt":"{0}","jkt":"{0}"}}"#, hash(1));
    assert_eq!(code(&twice), "binding_unchecked");
}

// conformance 167, 182, 187
#[test]
fn cnf_hash_is_canonical_base64url_of_32_bytes() {
    let good = hash(7);
    let stray = format!("{}d", &good[..42]);
    let bad: [Value; 12] = [
        json!(null),
        json!(7),
        json!([good]),
        json!(""),
        json!("AA"),
        json!(encode([7; 31])),
        json!(encode([7; 33])),
        json!(encode([7; 64])),
        json!(format!("{good}=")),
        json!(format!(" {good}")),
        json!(stray),
        json!(good.replace('c', "+")),
    ];
    for member in ["jkt", "x5t#S256"] {
        for value in &bad {
            assert_eq!(
                code(&json!({ member: value }).to_string()),
                "binding_unchecked",
                "{value}"
            );
        }
    }
}

#[test]
fn cnf_may_have_one_hash_or_both() {
    let cnf = |cnf: Value| Confirmation::parse(&cnf.to_string(), None).unwrap();
    let (jkt, x5t_s256) = (Some([1; 32]), Some([2; 32]));
    assert_eq!(
        cnf(json!({ "jkt": hash(1) })),
        Confirmation {
            jkt,
            x5t_s256: None
        }
    );
    assert_eq!(
        cnf(json!({ "x5t#S256": hash(2) })),
        Confirmation {
            jkt: None,
            x5t_s256
        }
    );
    let both = json!({ "x5t#S256": hash(2), "jkt": hash(1) });
    assert_eq!(cnf(both), Confirmation { jkt, x5t_s256 });
}
