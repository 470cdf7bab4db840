use std::{
    cmp::Reverse,
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use super::{Inner, Object, PAYLOAD, SCOPE, VerifiedToken};
use crate::error::VerifyError;

impl VerifiedToken {
    /// Returns the token with only those scopes that `other` has too; the token as it is where `other`
    /// has all of them.
    ///
    /// # Errors
    ///
    /// The scope claims cannot be found in the payload, which was parsed before.
    pub(crate) fn narrowed_to(&self, other: &Self) -> Result<Self, VerifyError> {
        let inner = &*self.0;
        // A set, since either list may be as long as a token.
        let granted: HashSet<&str> = other.scopes().collect();
        if self.scopes().all(|scope| granted.contains(scope)) {
            return Ok(self.clone());
        }
        let common: Vec<&str> = self
            .scopes()
            .filter(|scope| granted.contains(scope))
            .collect();
        let scope = common.join(" ");
        let payload = with_scopes(self.payload(), &common)
            .ok_or(VerifyError::InvalidClaim { claim: "scope" })?;
        Ok(Self(Arc::new(Inner {
            origin: inner.origin.clone(),
            texts: inner.texts.with(SCOPE, &scope).with(PAYLOAD, &payload),
            subject_kind: inner.subject_kind,
            dates: inner.dates,
            auth_time: inner.auth_time,
            bound: inner.bound.clone(),
            groups: OnceLock::new(),
        })))
    }
}

/// Returns the claims with these scopes, each list in the shape it had, so that a reader of the
/// claim itself finds no more than `has_scope` does. Every other byte stays: only the text of the
/// values is replaced, since a detour through a parsed document would change numbers.
fn with_scopes(payload: &str, scopes: &[&str]) -> Option<String> {
    let claims = Object::parse(payload).ok()?;
    let mut lists = Vec::with_capacity(2);
    for name in ["scp", "scope"] {
        if let Some(list) = claims.present(name) {
            let shorter = match list.starts_with('[') {
                true => serde_json::to_string(scopes),
                false => serde_json::to_string(&scopes.join(" ")),
            };
            // The value is a part of the text that was parsed.
            let start = (list.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
            lists.push((start..start + list.len(), shorter.ok()?));
        }
    }
    // From the end, so that the places in front stay valid.
    lists.sort_unstable_by_key(|(place, _)| Reverse(place.start));
    let mut narrowed = payload.to_owned();
    for (place, shorter) in lists {
        narrowed.replace_range(place, &shorter);
    }
    Some(narrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(payload: &str) -> Option<String> {
        with_scopes(payload, &["a"])
    }

    // finding 13
    #[test]
    fn narrowing_takes_scopes_out_of_both_claims() {
        for (payload, expected) in [
            (r#"{"scp":["a","b"],"x":1}"#, r#"{"scp":["a"],"x":1}"#),
            (r#"{"scope":"a b"}"#, r#"{"scope":"a"}"#),
            (r#"{"scp":"b","scope":"b"}"#, r#"{"scp":"a","scope":"a"}"#),
            (
                r#"{"scope":["b","a"],"scp":"a b"}"#,
                r#"{"scope":["a"],"scp":"a"}"#,
            ),
            (r#"{"other":"b"}"#, r#"{"other":"b"}"#),
            // Null holds no scope (RFC 6749 §3.3 has no such value), so that there is none to take.
            (r#"{"scp":null,"scope":"b"}"#, r#"{"scp":null,"scope":"a"}"#),
        ] {
            assert_eq!(narrowed(payload).as_deref(), Some(expected));
        }
        assert_eq!(
            with_scopes(r#"{"scp":["b"],"scope":"b"}"#, &[]).as_deref(),
            Some(r#"{"scp":[],"scope":""}"#)
        );
        let escaped = with_scopes(r#"{"scope":"x"}"#, &["\"", "\\"]);
        assert_eq!(escaped.as_deref(), Some(r#"{"scope":"\" \\"}"#));
    }

    // finding 13
    #[test]
    fn narrowing_leaves_every_other_byte() {
        for (before, scopes, after) in [
            // Numbers beyond u64 and f64, and of another spelling.
            (
                r#"{"account":123456789012345678901234567890,"scope":"#,
                r#""a b""#,
                r#","x":1.10,"y":-0,"z":1E+2,"w":0.1000000000000000055511151231257827}"#,
            ),
            // White space, and an order that is not that of the names.
            (
                " {\r\n\t\"z\" : [ 1 , 2 ] , \"scope\" :\n ",
                "\"a b\"",
                " \t, \"b\" : { } } \n",
            ),
            // Members of the same name inside others.
            (
                r#"{"act":{"scope":"b","scp":["b"]},"l":[{"scope":"b"}],"scope":"#,
                r#""b""#,
                r#","t":"{\"scope\":\"b\"}","\"scope\"":"b"}"#,
            ),
            // Escaped text, and characters of several bytes.
            (
                r#"{"na\u006de":"\u00e9\/\ud83d\ude00","größe":"😀","scope":"#,
                r#""b \u0061""#,
                r#","e":"é\n"}"#,
            ),
        ] {
            let payload = format!("{before}{scopes}{after}");
            let expected = format!("{before}\"a\"{after}");
            assert_eq!(narrowed(&payload), Some(expected));
        }
    }

    // finding 13
    #[test]
    fn narrowing_finds_a_claim_by_its_unescaped_name() {
        for (payload, expected) in [
            (r#"{"sc\u0070":["b"]}"#, r#"{"sc\u0070":["a"]}"#),
            (
                r#"{"\u0073\u0063ope" : "b" ,"scp": [ "b" ]}"#,
                r#"{"\u0073\u0063ope" : "a" ,"scp": ["a"]}"#,
            ),
            (r#"{"sc\\u0070":["b"]}"#, r#"{"sc\\u0070":["b"]}"#),
        ] {
            assert_eq!(narrowed(payload).as_deref(), Some(expected));
        }
        // Two of them are no claims of a verified token.
        assert_eq!(narrowed(r#"{"scp":["b"],"sc\u0070":["b"]}"#), None);
    }
}
