//! The claims of a security event token (RFC 8417 §2). Only what protects against forgery is strict. An event that is
//! rejected leaves tokens alive, so a member that is unknown or has the wrong type counts as absent.

use std::borrow::Cow;

use crate::token::{
    claims::date,
    json::{self, Object},
};

pub(super) struct EventToken<'a> {
    pub(super) iss: Option<Cow<'a, str>>,
    pub(super) aud: Vec<Cow<'a, str>>,
    /// In seconds since 1970, like `exp`.
    pub(super) iat: Option<u64>,
    pub(super) exp: Option<u64>,
    /// The JSON text of the subject.
    sub_id: Option<&'a str>,
    /// `None` if `events` is absent or not an object.
    events: Option<Object<'a>>,
    claims: Object<'a>,
}

/// One event of a token.
pub(super) struct Claim<'a> {
    pub(super) uri: &'a str,
    /// The payload, if it is an object.
    pub(super) payload: Option<Object<'a>>,
}

impl<'a> EventToken<'a> {
    /// Parses the claims. Returns `None` if the payload is not a JSON object.
    pub(super) fn parse(payload: &'a str) -> Option<Self> {
        let claims = Object::parse(payload).ok()?;
        let aud = claims.present("aud");
        Some(Self {
            iss: claims.present("iss").and_then(json::string),
            aud: match aud.and_then(json::string) {
                Some(one) => vec![one],
                None => aud.and_then(json::strings).unwrap_or_default(),
            },
            iat: time(&claims, "iat"),
            exp: time(&claims, "exp"),
            sub_id: claims.present("sub_id"),
            events: claims
                .present("events")
                .and_then(|it| Object::parse(it).ok()),
            claims,
        })
    }

    /// Returns the claims.
    pub(super) fn claims(&self) -> &Object<'a> {
        &self.claims
    }

    /// Returns the events, or `None` if the token has no object `events`.
    pub(super) fn events(&self) -> Option<impl Iterator<Item = Claim<'_>>> {
        let events = self.events.as_ref()?.members();
        Some(events.map(|(uri, payload)| Claim {
            uri,
            payload: Object::parse(payload).ok(),
        }))
    }

    /// Returns the JSON text of the subject of an event: that of the token or, in older events and in those of Okta,
    /// the `subject` of the event itself.
    pub(super) fn subject(&self, event: &Claim<'a>) -> Option<&'a str> {
        let own = || event.payload.as_ref()?.present("subject");
        self.sub_id.or_else(own)
    }

    /// Returns when the event happened, in seconds since 1970, or `None` if the token does not say it.
    pub(super) fn happened(&self, event: &Claim<'_>) -> Option<u64> {
        let stamped = event
            .payload
            .as_ref()
            .and_then(|it| time(it, "event_timestamp"));
        stamped.or(self.iat)
    }
}

/// Reads a time in seconds or, as in events of Okta, in milliseconds.
pub(super) fn time(object: &Object<'_>, name: &'static str) -> Option<u64> {
    // A part of a second is left out.
    let time = date(name, object.present(name), f64::floor).ok()??;
    Some(match time > MAX_SECONDS {
        true => time / 1_000,
        false => time,
    })
}

/// The largest number that counts as seconds: the year 5138. As milliseconds, it is in the year 1973.
const MAX_SECONDS: u64 = 100_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_token_that_is_not_an_object_is_rejected() {
        for text in [
            "",
            "7",
            "null",
            "[]",
            r#"{"iss":"a","iss":"b"}"#,
            r#"{"a":1"#,
        ] {
            assert!(EventToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn event_token_claim_of_a_wrong_type_counts_as_absent() {
        let token =
            r#"{"iss":7,"aud":{"a":1},"iat":"yesterday","exp":-1,"events":[],"sub_id":null}"#;
        let token = EventToken::parse(token).unwrap();
        assert!(token.iss.is_none() && token.aud.is_empty());
        assert!(token.iat.is_none() && token.exp.is_none());
        assert!(token.events().is_none() && token.sub_id.is_none());
    }

    #[test]
    fn event_token_audience_is_one_text_or_several() {
        let aud = |text: &str| EventToken::parse(text).unwrap().aud.join(" ");
        assert_eq!(aud(r#"{"aud":"a"}"#), "a");
        assert_eq!(aud(r#"{"aud":["a","b"]}"#), "a b");
        assert_eq!(aud(r#"{"aud":["a",7]}"#), "");
    }

    // conformance 221
    #[test]
    fn event_token_time_is_in_seconds_or_in_milliseconds() {
        for (text, seconds) in [
            ("1790000001", Some(1_790_000_001)),
            ("1790000001.9", Some(1_790_000_001)),
            ("1790000001643", Some(1_790_000_001)),
            ("1790000001643.5", Some(1_790_000_001)),
            ("100000000000", Some(100_000_000_000)),
            ("100000000001", Some(100_000_000)),
            ("0", Some(0)),
            ("\"1790000001\"", None),
            ("-1", None),
            ("1e300", None),
            ("null", None),
        ] {
            let text = format!(r#"{{"iat":{text}}}"#);
            assert_eq!(EventToken::parse(&text).unwrap().iat, seconds, "{text}");
        }
    }

    // conformance 220
    #[test]
    fn event_token_subject_is_that_of_the_token_or_of_the_event() {
        let subject = |sub_id: &str| {
            let text = format!(r#"{{{sub_id}"events":{{"urn:e":{{"subject":{{"a":1}}}}}}}}"#);
            let token = EventToken::parse(&text).unwrap();
            let event = token.events().unwrap().next().unwrap();
            token.subject(&event).map(str::to_owned)
        };
        assert_eq!(subject(r#""sub_id":{"b":2},"#).unwrap(), r#"{"b":2}"#);
        assert_eq!(subject(r#""sub_id":null,"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(subject("").unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn event_time_is_that_of_the_event_or_of_the_token() {
        let happened = |payload: &str| {
            let text = format!(r#"{{"iat":1790000003,"events":{{"urn:e":{payload}}}}}"#);
            let token = EventToken::parse(&text).unwrap();
            let event = token.events().unwrap().next().unwrap();
            token.happened(&event).unwrap()
        };
        assert_eq!(
            happened(r#"{"event_timestamp":1790000001643}"#),
            1_790_000_001
        );
        for payload in ["{}", "7", "null", r#"{"event_timestamp":"now"}"#] {
            assert_eq!(happened(payload), 1_790_000_003, "{payload}");
        }
    }
}
