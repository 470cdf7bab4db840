//! The body of an event hook of Okta: events of the System Log. The secret of the hook authenticates the body,
//! which has no signature. The members that decide are read strictly. All others may have any form, because a text that
//! a user chose, such as a name, must not make the events about others unreadable.

use serde::Deserialize;
use serde_json::{error::Category, value::RawValue};

use crate::duration::unix_time;

/// One event of a hook.
pub(super) struct HookEvent {
    pub(super) event_type: String,
    /// In seconds since 1970. `None` if the time is absent or not one of RFC 3339 in UTC.
    pub(super) published: Option<u64>,
    pub(super) is_success: bool,
    /// The IDs of the users that the event is about or, if it names none, of the user who caused it.
    pub(super) users: Vec<Box<str>>,
    pub(super) clients: Vec<Box<str>>,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyProblem {
    /// The JSON text is incomplete. Another delivery may be complete.
    BreaksOff,
    Malformed,
}

#[derive(Deserialize)]
struct Body<'b> {
    #[serde(borrow)]
    data: Data<'b>,
}

#[derive(Deserialize)]
struct Data<'b> {
    #[serde(borrow)]
    events: Vec<&'b RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'b> {
    #[serde(borrow)]
    event_type: Option<&'b RawValue>,
    #[serde(borrow)]
    published: Option<&'b RawValue>,
    #[serde(borrow)]
    outcome: Option<Outcome<'b>>,
    #[serde(borrow)]
    actor: Option<&'b RawValue>,
    #[serde(borrow)]
    target: Option<Vec<Entity<'b>>>,
}

#[derive(Deserialize)]
struct Outcome<'b> {
    #[serde(borrow)]
    result: Option<&'b RawValue>,
}

/// A user, a client or something else.
#[derive(Deserialize)]
struct Entity<'b> {
    #[serde(borrow)]
    id: Option<&'b RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'b RawValue>,
}

/// Returns the events of a body, and `None` for each that does not have the form of an event.
pub(super) fn read(body: &[u8]) -> Result<Vec<Option<HookEvent>>, BodyProblem> {
    // Only texts that decide nothing are likely to have bytes that are not UTF-8.
    let text = String::from_utf8_lossy(body);
    // serde_json reports a number that breaks off as a malformed one.
    let ends_in_number = || text.ends_with(['-', '+', '.', 'e', 'E']);
    let body: Body<'_> = serde_json::from_str(&text).map_err(|error| match error.classify() {
        Category::Eof => BodyProblem::BreaksOff,
        Category::Syntax if ends_in_number() => BodyProblem::BreaksOff,
        _ => BodyProblem::Malformed,
    })?;
    let events = body.data.events.into_iter();
    Ok(events.map(|event| HookEvent::read(event.get())).collect())
}

impl HookEvent {
    fn read(text: &str) -> Option<Self> {
        // A member that decides and occurs twice is an error here.
        let event: Event<'_> = serde_json::from_str(text).ok()?;
        let event_type = self::text(event.event_type)?;
        let result = self::text(event.outcome?.result)?;
        let mut users = Vec::new();
        let mut clients = Vec::new();
        let targets = event.target.unwrap_or_default();
        let names_user = targets.iter().any(|target| target.is("User"));
        for target in targets {
            if target.is("User") {
                users.push(target.id()?);
            } else if target.is("AppInstance") {
                clients.push(target.id()?);
            }
        }
        if !names_user && let Some(actor) = event.actor {
            let actor: Entity<'_> = serde_json::from_str(actor.get()).ok()?;
            if actor.is("User") {
                users.push(actor.id()?);
            }
        }
        Some(Self {
            event_type,
            published: self::text(event.published).and_then(|it| unix_time(&it)),
            is_success: result == "SUCCESS",
            users,
            clients,
        })
    }
}

impl Entity<'_> {
    fn is(&self, kind: &str) -> bool {
        text(self.kind).is_some_and(|it| it == kind)
    }

    fn id(&self) -> Option<Box<str>> {
        text(self.id).map(Into::into)
    }
}

/// Returns a text that is not empty.
fn text(value: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(value?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Checks that no body causes a panic, that an event names only what is in it, and that a JSON value between two events
/// hides neither of them. For the fuzzer.
#[cfg(any(test, fuzzing))]
pub(crate) fn check_hook_body(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if serde_json::from_str::<&RawValue>(&text).is_ok() {
        let known = r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":[{"type":"User","id":"u"}]}"#;
        let delivery = format!(r#"{{"data":{{"events":[{known},{text},{known}]}}}}"#);
        let events = read(delivery.as_bytes()).unwrap_or_default();
        assert_eq!(events.len(), 3);
        let is_known = |event: &Option<HookEvent>| {
            let users = event.as_ref().map(|event| &event.users[..]);
            users.is_some_and(|users| matches!(users, [user] if **user == *"u"))
        };
        assert!(is_known(&events[0]) && is_known(&events[2]));
    }
    let Ok(events) = read(body) else {
        return;
    };
    for event in events.into_iter().flatten() {
        assert!(!event.event_type.is_empty());
        let mut ids = event.users.iter().chain(&event.clients);
        assert!(ids.all(|id| !id.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUSPENDED: &str = r#"{"eventType":"user.lifecycle.suspend","published":"2026-11-29T19:00:00.120Z","outcome":{"result":"SUCCESS"},"target":[{"type":"User","id":"00u1ada"}]}"#;

    fn body(events: &str) -> String {
        format!(r#"{{"eventId":"e1","data":{{"events":[{events}]}}}}"#)
    }

    fn one(event: &str) -> Option<HookEvent> {
        let mut events = read(body(event).as_bytes()).unwrap();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn ids(ids: &[Box<str>]) -> Vec<&str> {
        ids.iter().map(|id| &**id).collect()
    }

    #[test]
    fn hook_body_that_is_not_an_object_with_events_is_malformed() {
        for text in [
            "7",
            "null",
            "[]",
            "{}",
            r#"{"data":[]}"#,
            r#"{"data":{"events":{}}}"#,
            r#"{"data":{"events":[]},"data":{"events":[]}}"#,
            r#"{"data":{"events":[],"events":[]}}"#,
            r#"{"data":{"events":[]}} x"#,
            r#"{"data":{"events":[}}"#,
        ] {
            let problem = read(text.as_bytes()).err();
            assert_eq!(problem, Some(BodyProblem::Malformed), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(read(deep.as_bytes()).is_err());
    }

    #[test]
    fn hook_body_that_breaks_off_anywhere_is_incomplete() {
        let numbers = SUSPENDED.replacen('{', r#"{"debugContext":[-33.5,1E+7,0e-1],"#, 1);
        let whole = body(&numbers);
        for end in 0..whole.len() {
            let problem = read(&whole.as_bytes()[..end]).err();
            assert_eq!(problem, Some(BodyProblem::BreaksOff), "{end}");
        }
    }

    #[test]
    fn hook_event_with_a_deciding_member_of_a_wrong_form_is_unreadable_and_leaves_the_others() {
        for event in [
            "7",
            "null",
            "{}",
            r#"{"eventType":7,"outcome":{"result":"SUCCESS"}}"#,
            r#"{"eventType":"","outcome":{"result":"SUCCESS"}}"#,
            r#"{"eventType":"a","eventType":"b","outcome":{"result":"SUCCESS"}}"#,
            r#"{"eventType":"a"}"#,
            r#"{"eventType":"a","outcome":{"result":null}}"#,
            r#"{"eventType":"a","outcome":{"result":"FAILURE","result":"SUCCESS"}}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":{}}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":[7]}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":[{"type":"User"}]}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":[{"type":"User","id":7}]}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"target":[{"type":"User","id":"a","id":"b"}]}"#,
            r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"actor":7}"#,
        ] {
            let events = read(body(&format!("{event},{SUSPENDED}")).as_bytes()).unwrap();
            assert!(events[0].is_none(), "{event}");
            assert_eq!(ids(&events[1].as_ref().unwrap().users), ["00u1ada"]);
        }
    }

    #[test]
    fn hook_event_is_readable_whatever_text_a_user_chose() {
        let hostile = [
            br#"\ud800"#.to_vec(),
            b"\xff\xfe".to_vec(),
            "𝒶\u{202e}".into(),
        ];
        for name in hostile {
            let mut text = br#"{"data":{"events":[{"debugContext":{"a":"#.to_vec();
            text.extend_from_slice("[".repeat(300).as_bytes());
            text.extend_from_slice("]".repeat(300).as_bytes());
            text.extend_from_slice(br#","a":1},"actor":{"displayName":""#);
            text.extend_from_slice(&name);
            text.extend_from_slice(br#"","id":"00u9root","type":"User"},"#);
            text.extend_from_slice(&SUSPENDED.as_bytes()[1..]);
            text.extend_from_slice(b"]}}");
            let events = read(&text).unwrap();
            let event = events[0].as_ref().unwrap();
            assert_eq!(ids(&event.users), ["00u1ada"]);
        }
    }

    // conformance 293
    #[test]
    fn hook_event_names_the_targets_of_type_user_or_else_the_actor() {
        let event = one(SUSPENDED).unwrap();
        assert_eq!(event.event_type, "user.lifecycle.suspend");
        assert!(event.is_success && event.clients.is_empty());
        assert_eq!(event.published, Some(1_795_978_800));
        let actor = r#""actor":{"type":"User","id":"00u9root"}"#;
        let of = |members: &str| {
            let start = r#"{"eventType":"a","outcome":{"result":"SUCCESS"}"#;
            one(&format!("{start},{actor},{members}}}")).unwrap()
        };
        let event = of(
            r#""target":[{"type":"AppInstance","id":"0oa1"},{"type":"User","id":"00u1"},{"type":"UserGroup","id":"00g1"},{"type":"User","id":"00u2"}]"#,
        );
        assert_eq!(ids(&event.users), ["00u1", "00u2"]);
        assert_eq!(ids(&event.clients), ["0oa1"]);
        for members in [
            r#""target":null"#,
            r#""target":[]"#,
            r#""target":[{"type":"UserGroup","id":"00g1"},{}]"#,
        ] {
            assert_eq!(ids(&of(members).users), ["00u9root"], "{members}");
        }
        let system = r#"{"eventType":"a","outcome":{"result":"SUCCESS"},"actor":{"type":"SystemPrincipal","id":"system"}}"#;
        assert!(one(system).unwrap().users.is_empty());
    }

    // conformance 293
    #[test]
    fn hook_event_time_that_is_not_in_utc_counts_as_absent() {
        for (time, expected) in [
            (r#""1970-01-01T00:00:01.999Z""#, Some(1)),
            (r#""1970-01-01T00:00:01+00:00""#, Some(1)),
            (r#""1970-01-01T00:00:01+02:00""#, None),
            (r#""yesterday""#, None),
            (r#""""#, None),
            (r#""ääääääääääääääää""#, None),
            ("1790000001", None),
            ("null", None),
        ] {
            let event = format!(
                r#"{{"eventType":"a","outcome":{{"result":"SUCCESS"}},"published":{time}}}"#
            );
            assert_eq!(one(&event).unwrap().published, expected, "{time}");
        }
    }
}
