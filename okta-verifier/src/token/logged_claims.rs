//! [`LoggedClaims`]: what the event about a rejection may show of a verified token.

use std::borrow::Cow;

use super::{
    checks::{self, Expected},
    claims::Claims,
    json::{self, Object},
    jws::Typ,
    profile::Source,
};
use crate::error::excerpt_within;

/// What the event about a rejection may show of a token whose signature was verified, or whose claims come from
/// the introspection response of its issuer. Every value is escaped and bounded, so the text is one line of
/// printable ASCII, except for the ellipsis of a text that was shortened.
///
/// It has no `Debug`, so that the values can be logged in the event only.
#[derive(Default)]
pub(crate) struct LoggedClaims {
    /// The token's audiences, and those that the settings or the route accept, if the audience is wrong.
    pub(crate) audiences: Option<(String, String)>,
    /// The token's client, if it is not allowed.
    pub(crate) client_id: Option<String>,
    /// The claims that the settings name.
    pub(crate) claims: Option<String>,
}

impl LoggedClaims {
    /// Reads the claims that the settings name. Absent claims are left out.
    pub(crate) fn read(payload: &str, names: &[Box<str>]) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let Ok(object) = Object::parse(payload) else {
            return Self::default();
        };
        let claims = names.iter().filter_map(|name| {
            let values = list(values(object.get(name)?));
            Some(format!("{}: {values}", quoted(name)))
        });
        let claims: Vec<_> = claims.collect();
        Self {
            claims: (!claims.is_empty()).then(|| format!("{{{}}}", claims.join(", "))),
            ..Self::default()
        }
    }

    /// Adds the audiences of the token, beside those that are accepted.
    pub(crate) fn audience<'e>(
        mut self,
        payload: &str,
        accepted: impl IntoIterator<Item = &'e str>,
    ) -> Self {
        let object = Object::parse(payload).ok();
        let aud = object.as_ref().and_then(|object| object.get("aud"));
        let aud = aud.map(values).unwrap_or_default();
        let accepted = accepted.into_iter().map(Cow::Borrowed);
        self.audiences = Some((list(aud), list(accepted)));
        self
    }

    /// Adds the client of a signed token. An identity token has none: its other claims name a person or a
    /// workload.
    pub(crate) fn client(mut self, payload: &str, typ: Typ, expected: &Expected) -> Self {
        let names_client = !expected
            .custom()
            .is_some_and(|it| it.provider().has_identity_tokens());
        if let Some(claims) = Claims::parse(payload).ok().filter(|_| names_client)
            && let Ok(Some(client)) = checks::client(&claims, Source::Jwt(typ), &expected.profile)
        {
            self.client_id = Some(quoted(&client));
        }
        self
    }
}

/// Returns the strings of a claim: one, or those of an array. Any other value is one string, its JSON text.
fn values(json: &str) -> Vec<Cow<'_, str>> {
    match json::string(json) {
        Some(text) => vec![text],
        None => json::strings(json).unwrap_or_else(|| vec![Cow::Borrowed(json)]),
    }
}

fn list<'v>(values: impl IntoIterator<Item = Cow<'v, str>>) -> String {
    let mut values = values.into_iter();
    let mut shown: Vec<_> = values
        .by_ref()
        .take(MAX_VALUES)
        .map(|it| quoted(&it))
        .collect();
    if values.next().is_some() {
        shown.push("…".to_owned());
    }
    format!("[{}]", shown.join(", "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt_within(text.as_bytes(), MAX_VALUE))
}

const MAX_VALUES: usize = 3;
/// The maximum length of a value in bytes, after it was escaped.
const MAX_VALUE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> [Box<str>; N] {
        names.map(Box::from)
    }

    fn claims(payload: &str, name: &str) -> Option<String> {
        LoggedClaims::read(payload, &names([name])).claims
    }

    #[test]
    fn logged_claims_are_one_line_of_printable_ascii() {
        for (value, shown) in [
            (r#""sales""#, r#"["sales"]"#),
            (r#""a\nb\u001b[31m""#, r#"["a\nb\x1b[31m"]"#),
            (r#""a \"b\" \\c""#, r#"["a \"b\" \\c"]"#),
            ("\"\u{202e}é\"", r#"["\xe2\x80\xae\xc3\xa9"]"#),
            (r#""\u202e""#, r#"["\xe2\x80\xae"]"#),
            (r#"["a","b","c"]"#, r#"["a", "b", "c"]"#),
            (r#"["a","b","c","d"]"#, r#"["a", "b", "c", …]"#),
            ("[]", "[]"),
            ("3", r#"["3"]"#),
            ("true", r#"["true"]"#),
            (r#"[1,"a"]"#, r#"["[1,\"a\"]"]"#),
            ("{\"a\":\n1}", r#"["{\"a\":\n1}"]"#),
        ] {
            let payload = format!(r#"{{"x":{value}}}"#);
            let expected = format!(r#"{{"x": {shown}}}"#);
            assert_eq!(claims(&payload, "x"), Some(expected));
        }
        assert_eq!(claims(r#"{"x":1}"#, "y"), None);
    }

    #[test]
    fn logged_claims_are_bounded() {
        for piece in ["a", "\\n", "é", "\\u202e", "\\\""] {
            let value = piece.repeat(1_000_000);
            for json in [format!("\"{value}\""), format!("[\"{value}\",\"{value}\"]")] {
                let shown = claims(&format!(r#"{{"x":{json}}}"#), "x").unwrap();
                assert!(shown.len() < 300, "{}", shown.len());
                assert!(shown.contains('…'), "{shown}");
            }
        }
        let many = vec!["\"a\""; 10_000].join(",");
        let shown = claims(&format!(r#"{{"x":[{many}]}}"#), "x").unwrap();
        assert_eq!(shown, r#"{"x": ["a", "a", "a", …]}"#);
    }

    #[test]
    fn logged_claims_of_several_names_are_in_the_order_of_the_settings() {
        let payload = r#"{"a":"1","b":"2","c":"3"}"#;
        let shown = LoggedClaims::read(payload, &names(["c", "x", "a"]));
        assert_eq!(shown.claims.as_deref(), Some(r#"{"c": ["3"], "a": ["1"]}"#));
        assert!(shown.audiences.is_none() && shown.client_id.is_none());
        assert!(LoggedClaims::read(payload, &[]).claims.is_none());
    }

    #[test]
    fn logged_audiences_are_shown_beside_the_accepted_ones() {
        for (aud, shown) in [
            (r#""aud":"api://b""#, r#"["api://b"]"#),
            (r#""aud":["x\r\n","y"]"#, r#"["x\r\n", "y"]"#),
            (r#""x":1"#, "[]"),
        ] {
            let payload = format!("{{{aud}}}");
            let logged = LoggedClaims::default().audience(&payload, ["api://a"]);
            let expected = Some((shown.to_owned(), r#"["api://a"]"#.to_owned()));
            assert_eq!(logged.audiences, expected);
        }
    }
}
