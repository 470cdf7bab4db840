//! The tokens that are verified.

use okta_verifier::Algorithm;
use okta_verifier_testing::{MockOkta, TestIssuer, TokenBuilder};

/// Returns an access token of a user as Okta issues it: 12 claims, and about 950 bytes with RS256.
pub fn ordinary(okta: &impl Issuing) -> TokenBuilder {
    okta.begin("ada.lovelace@example.com")
        .client_id("0oa2hl2inow5Uqc6c357")
        .scope("openid")
        .scope("profile")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("Engineering")
        .group("orders-admin")
}

/// Returns distinct ordinary tokens. They have the length of RS256 tokens, but signing them is 100
/// times as fast.
pub fn many(okta: &impl Issuing, count: usize) -> Vec<String> {
    let padding = "x".repeat(192);
    let token = ordinary(okta)
        .algorithm(Algorithm::ES256)
        .claim("department", padding);
    (0..count)
        .map(|number| {
            token
                .clone()
                .claim("uid", format!("00u{number:017}"))
                .sign()
        })
        .collect()
}

/// Returns a forged token of the maximum size that is as expensive to parse as possible. It has one
/// object with many members whose names are short (`short`), have a long common prefix (`alike`) or
/// have escapes (`escaped`), or it has many small objects (`small`). The issuer is unknown, so only
/// parsing is measured.
///
/// # Panics
///
/// Panics if `shape` is another word.
pub fn costly(okta: &impl Issuing, shape: &str) -> String {
    let member = |number: u32| match shape {
        "short" => format!("\"{number:x}\":0"),
        "alike" => format!("\"aaaaaaaa{number:x}\":0"),
        "escaped" => format!("\"\\n{number:x}\":0"),
        "small" => "{\"a\":0}".to_owned(),
        _ => panic!("short|alike|escaped|small"),
    };
    let (open, close) = match shape {
        "small" => ('[', ']'),
        _ => ('{', '}'),
    };
    let mut members = String::new();
    for number in 0_u32.. {
        // Multiplying by an odd number gives each name once, in an unsorted order.
        let next = member(number.wrapping_mul(40_503) % 65_536);
        if members.len() + next.len() > 48 * 1024 - 512 {
            break;
        }
        members.push(if number == 0 { open } else { ',' });
        members.push_str(&next);
    }
    let payload = format!(
        r#"{{"iss":"https://unknown.test","sub":"a","aud":"a","exp":1,"x":{members}{close}}}"#
    );
    okta.begin("a").raw_payload(payload).sign()
}

/// An issuer that signs tokens for tests.
pub trait Issuing {
    /// Returns a builder for a token of `subject`.
    fn begin(&self, subject: &str) -> TokenBuilder;
    /// Returns the published keys.
    fn published(&self) -> String;
}

impl Issuing for TestIssuer {
    fn begin(&self, subject: &str) -> TokenBuilder {
        self.token(subject)
    }

    fn published(&self) -> String {
        self.jwks()
    }
}

impl Issuing for MockOkta {
    fn begin(&self, subject: &str) -> TokenBuilder {
        self.token(subject)
    }

    fn published(&self) -> String {
        self.jwks()
    }
}
