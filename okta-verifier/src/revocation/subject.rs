//! Subjects of security events (RFC 9493, SSF 1.0 §3.2): which users, sessions and tokens an event is about.

use std::borrow::Cow;

use crate::token::json::{self, Object};

/// What a subject names, as far as access tokens have a claim for it. All parts of a complex subject must match
/// (SSF 1.0 §3.2.3). A part without a claim is left out, so that the subject matches more tokens, never fewer.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// The names of one user. A token with any of them is the user's.
    pub(super) users: Vec<User>,
    pub(super) session: Option<Session>,
    pub(super) tokens: Vec<Token>,
    /// The ID of a subject that is only an opaque ID. It is that of a user or, in events about sessions, that of
    /// a session.
    pub(super) opaque: Option<Box<str>>,
}

#[derive(PartialEq, Eq)]
pub(super) enum User {
    /// The ID of the user at the issuer, or at the sender of the event if no issuer is named.
    Id {
        iss: Option<Box<str>>,
        id: Box<str>,
    },
    Email(Box<str>),
}

#[derive(PartialEq, Eq)]
pub(super) enum Session {
    Id(Box<str>),
    /// Every session of the user, which Keycloak writes as the ID `ALL`.
    All,
}

/// A token by its issuer and `jti`.
#[derive(PartialEq, Eq)]
pub(super) struct Token {
    pub(super) iss: Option<Box<str>>,
    pub(super) jti: Box<str>,
}

/// Why a subject names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectProblem {
    /// There is no subject, or it has neither `format` nor `subject_type`.
    Absent,
    /// The format is unknown, or a required member is absent.
    Unknown,
    /// Access tokens have no claim for what the subject names, such as a tenant or a phone number.
    Unmatchable,
}

impl Subject {
    /// Parses the JSON text of a subject. Unknown members are ignored.
    pub(super) fn parse(value: &str) -> Result<Self, SubjectProblem> {
        let object = object(value).ok_or(SubjectProblem::Absent)?;
        let mut subject = Self::default();
        match format(&object).ok_or(SubjectProblem::Absent)?.as_ref() {
            "complex" => subject.add_parts(&object)?,
            "aliases" => subject.add_aliases(&object)?,
            format => subject.add(format, &object)?,
        }
        Ok(subject)
    }

    /// Adds a simple subject (RFC 9493 §3.2, SSF 1.0 §3.3).
    fn add(&mut self, format: &str, object: &Object<'_>) -> Result<(), SubjectProblem> {
        let required = |name| text(object, name).ok_or(SubjectProblem::Unknown);
        let user = |id| User::Id { iss: None, id };
        match format {
            "iss_sub" => self.users.push(User::Id {
                iss: text(object, "iss"),
                id: required("sub")?,
            }),
            "email" => self.users.push(User::Email(required("email")?)),
            "account" => {
                // RFC 7565: `acct:` and the name of an account at a host, which has the form of an email address.
                let uri = required("uri")?;
                let account = uri.strip_prefix("acct:").filter(|it| !it.is_empty());
                let account = account.ok_or(SubjectProblem::Unknown)?;
                self.users.push(User::Email(account.into()));
            }
            "opaque" => {
                let id = required("id")?;
                self.opaque = Some(id.clone());
                self.users.push(user(id));
            }
            "did" => self.users.push(user(required("url")?)),
            "uri" => self.users.push(user(required("uri")?)),
            "jwt_id" => self.tokens.push(Token {
                iss: text(object, "iss"),
                jti: required("jti")?,
            }),
            "phone_number" | "saml_assertion_id" | "ip-addresses" | "ip_addresses" => {
                return Err(SubjectProblem::Unmatchable);
            }
            _ => return Err(SubjectProblem::Unknown),
        }
        Ok(())
    }

    /// Adds each of the other names of one subject (RFC 9493 §3.2.8). A name that cannot be matched is left out,
    /// because the others name the same subject.
    fn add_aliases(&mut self, object: &Object<'_>) -> Result<(), SubjectProblem> {
        let names = object.present("identifiers").and_then(json::values);
        let names = names.ok_or(SubjectProblem::Unknown)?;
        let mut problem = SubjectProblem::Unknown;
        for name in names.into_iter().take(MAX_ALIASES) {
            let Some(name) = self::object(name) else {
                continue;
            };
            // RFC 9493 §3.2.8: aliases are never nested.
            let added = match format(&name) {
                Some(format) => self.add(&format, &name),
                None => Err(SubjectProblem::Unknown),
            };
            if added == Err(SubjectProblem::Unmatchable) {
                problem = SubjectProblem::Unmatchable;
            }
        }
        // One of several names is never the ID of a session.
        self.opaque = None;
        match self.users.is_empty() && self.tokens.is_empty() {
            true => Err(problem),
            false => Ok(()),
        }
    }

    /// Adds the parts of a complex subject (SSF 1.0 §3.2.3).
    fn add_parts(&mut self, object: &Object<'_>) -> Result<(), SubjectProblem> {
        let part = |name| {
            let part = self::object(object.present(name)?)?;
            Some((format(&part)?, part))
        };
        // The ID of a session has the format `opaque`. The session of any other format is left out, because its
        // members name something else, such as a user.
        let session = part("session").filter(|(format, _)| format == "opaque");
        let session = session.and_then(|(_, session)| text(&session, "id"));
        self.session = session.map(|id| match &*id {
            ALL_SESSIONS => Session::All,
            _ => Session::Id(id),
        });
        if let Some((format, user)) = part("user") {
            // A user that cannot be matched leaves the session. The caller decides what remains.
            let _ = match &*format {
                "aliases" => self.add_aliases(&user),
                format => self.add(format, &user),
            };
            self.opaque = None;
            // The token of a user is not one of the names of the user.
            self.tokens.clear();
        }
        let names_session = matches!(self.session, Some(Session::Id(_)));
        match self.users.is_empty() && !names_session {
            true => Err(SubjectProblem::Unmatchable),
            false => Ok(()),
        }
    }
}

fn object(value: &str) -> Option<Object<'_>> {
    Object::parse(value).ok()
}

/// Returns the format of a subject. RFC 9493 calls it `format`. Google's events have `subject_type`, and their
/// formats have hyphens instead of underscores.
fn format<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    if let Some(format) = object.present("format") {
        return json::string(format);
    }
    let format = json::string(object.present("subject_type")?)?;
    Some(match format.contains('-') {
        true => Cow::Owned(format.replace('-', "_")),
        false => format,
    })
}

/// Returns a text that is not empty.
fn text(object: &Object<'_>, name: &str) -> Option<Box<str>> {
    let text = json::string(object.present(name)?)?;
    (!text.is_empty()).then(|| text.into())
}

/// The maximum number of names of one subject that are matched.
const MAX_ALIASES: usize = 32;
const ALL_SESSIONS: &str = "ALL";

#[cfg(test)]
mod tests {
    use super::*;

    fn id(iss: Option<&str>, id: &str) -> User {
        let iss = iss.map(Box::from);
        User::Id { iss, id: id.into() }
    }

    /// Checks that the text is the subject with these names of a user, and nothing else.
    #[track_caller]
    fn assert_users(text: &str, users: Vec<User>) {
        let Ok(subject) = Subject::parse(text) else {
            panic!("not a subject: {text}");
        };
        assert!(subject.users == users, "{text}");
        assert!(subject.session.is_none() && subject.tokens.is_empty());
    }

    #[track_caller]
    fn assert_problem(text: &str, problem: SubjectProblem) {
        assert_eq!(Subject::parse(text).err(), Some(problem), "{text}");
    }

    #[test]
    fn subject_without_a_format_names_nothing() {
        for text in [
            "{}",
            "null",
            "[]",
            "7",
            r#""ada""#,
            r#"{"iss":"https://a.test","sub":"ada"}"#,
            r#"{"user":{"format":"iss_sub","iss":"https://a.test","sub":"ada"}}"#,
            r#"{"format":null,"sub":"ada"}"#,
            r#"{"format":7,"sub":"ada"}"#,
        ] {
            assert_problem(text, SubjectProblem::Absent);
        }
    }

    #[test]
    fn subject_of_an_unknown_format_or_without_its_members_names_nothing() {
        for text in [
            r#"{"format":"new","id":"ada"}"#,
            r#"{"format":"ISS_SUB","iss":"https://a.test","sub":"ada"}"#,
            r#"{"format":"iss_sub","iss":"https://a.test"}"#,
            r#"{"format":"iss_sub","iss":"https://a.test","sub":""}"#,
            r#"{"format":"iss_sub","iss":"https://a.test","sub":7}"#,
            r#"{"format":"email","email":null}"#,
            r#"{"format":"account","uri":"ada@a.test"}"#,
            r#"{"format":"account","uri":"acct:"}"#,
            r#"{"format":"opaque"}"#,
            r#"{"format":"did"}"#,
            r#"{"format":"uri"}"#,
            r#"{"format":"jwt_id","iss":"https://a.test"}"#,
            r#"{"format":"aliases"}"#,
            r#"{"format":"aliases","identifiers":[]}"#,
            r#"{"format":"aliases","identifiers":{"format":"opaque","id":"ada"}}"#,
            r#"{"format":"aliases","identifiers":[7,{"format":"new"}]}"#,
            r#"{"format":"aliases","identifiers":[{"format":"aliases","identifiers":[{"format":"opaque","id":"ada"}]}]}"#,
        ] {
            assert_problem(text, SubjectProblem::Unknown);
        }
    }

    #[test]
    fn subject_that_no_claim_of_a_token_names_is_unmatchable() {
        for text in [
            r#"{"format":"phone_number","phone_number":"+12065550100"}"#,
            r#"{"format":"saml_assertion_id","issuer":"https://a.test","assertion_id":"_8e"}"#,
            r#"{"format":"ip-addresses","ip-addresses":["10.29.37.75"]}"#,
            r#"{"format":"aliases","identifiers":[{"format":"phone_number","phone_number":"+1"}]}"#,
            r#"{"format":"complex"}"#,
            r#"{"format":"complex","tenant":{"format":"opaque","id":"t1"}}"#,
            r#"{"format":"complex","device":{"format":"opaque","id":"d1"}}"#,
            r#"{"format":"complex","session":{"format":"opaque","id":"ALL"}}"#,
            r#"{"format":"complex","session":{"format":"iss_sub","iss":"https://a.test","sub":"s1"}}"#,
            r#"{"format":"complex","user":{"format":"phone_number","phone_number":"+1"}}"#,
        ] {
            assert_problem(text, SubjectProblem::Unmatchable);
        }
    }

    #[test]
    fn subject_with_a_repeated_member_or_deep_nesting_names_nothing() {
        assert_problem(
            r#"{"format":"opaque","id":"ada","id":"bob"}"#,
            SubjectProblem::Absent,
        );
        let deep = format!("{}{}", r#"{"user":"#.repeat(64), "}".repeat(64));
        assert_problem(&deep, SubjectProblem::Absent);
    }

    #[test]
    fn subject_names_a_user_in_each_simple_format() {
        let issuer = Some("https://a.test");
        assert_users(
            r#"{"format":"iss_sub","iss":"https://a.test","sub":"ada"}"#,
            vec![id(issuer, "ada")],
        );
        assert_users(r#"{"format":"iss_sub","sub":"ada"}"#, vec![id(None, "ada")]);
        assert_users(
            r#"{"format":"email","email":"ada@a.test","added":{"later":[1]}}"#,
            vec![User::Email("ada@a.test".into())],
        );
        assert_users(
            r#"{"format":"account","uri":"acct:ada@a.test"}"#,
            vec![User::Email("ada@a.test".into())],
        );
        assert_users(r#"{"format":"opaque","id":"ada"}"#, vec![id(None, "ada")]);
        assert_users(
            r#"{"format":"did","url":"did:example:1"}"#,
            vec![id(None, "did:example:1")],
        );
        assert_users(
            r#"{"format":"uri","uri":"urn:u:1"}"#,
            vec![id(None, "urn:u:1")],
        );
    }

    #[test]
    fn subject_of_google_has_a_subject_type_with_hyphens() {
        assert_users(
            r#"{"subject_type":"iss-sub","iss":"https://accounts.google.com/","sub":"ada"}"#,
            vec![id(Some("https://accounts.google.com/"), "ada")],
        );
        assert_users(
            r#"{"format":null,"subject_type":"iss_sub","sub":"ada"}"#,
            vec![id(None, "ada")],
        );
    }

    #[test]
    fn subject_names_a_token() {
        let subject = Subject::parse(r#"{"format":"jwt_id","iss":"https://a.test","jti":"j1"}"#);
        let subject = subject.ok().unwrap();
        let token = Token {
            iss: Some("https://a.test".into()),
            jti: "j1".into(),
        };
        assert!(subject.tokens == [token] && subject.users.is_empty());
    }

    #[test]
    fn subject_with_aliases_has_each_name_that_can_be_matched() {
        let text = r#"{"format":"aliases","identifiers":[{"format":"phone_number","phone_number":"+1"},
            {"format":"email","email":"ada@a.test"},7,{"format":"iss_sub","iss":"https://a.test","sub":"ada"}]}"#;
        let users = vec![
            User::Email("ada@a.test".into()),
            id(Some("https://a.test"), "ada"),
        ];
        assert_users(text, users);
        let many = vec![r#"{"format":"email","email":"ada@a.test"}"#; 100].join(",");
        let many = format!(r#"{{"format":"aliases","identifiers":[{many}]}}"#);
        assert_eq!(Subject::parse(&many).ok().unwrap().users.len(), MAX_ALIASES);
    }

    #[test]
    fn complex_subject_names_a_session_of_a_user() {
        let text = r#"{"format":"complex","user":{"format":"iss_sub","iss":"https://a.test","sub":"ada"},
            "session":{"format":"opaque","id":"s1"},"device":{"format":"opaque","id":"d1"},"new":7}"#;
        let subject = Subject::parse(text).ok().unwrap();
        assert!(subject.users == [id(Some("https://a.test"), "ada")]);
        assert!(subject.session == Some(Session::Id("s1".into())));
        assert!(subject.opaque.is_none());
    }

    #[test]
    fn complex_subject_with_a_part_that_cannot_be_matched_matches_more() {
        let user = r#""user":{"format":"opaque","id":"ada"}"#;
        for text in [
            format!(r#"{{"format":"complex",{user},"tenant":{{"format":"opaque","id":"t"}}}}"#),
            format!(r#"{{"format":"complex",{user},"session":{{"format":"new","id":"s1"}}}}"#),
            format!(
                r#"{{"format":"complex",{user},"session":{{"format":"iss_sub","iss":"i","sub":"s1"}}}}"#
            ),
            format!(r#"{{"format":"complex",{user},"session":"s1"}}"#),
        ] {
            assert_users(&text, vec![id(None, "ada")]);
        }
        let text = r#"{"format":"complex","user":{"format":"new"},"session":{"format":"opaque","id":"s1"}}"#;
        let subject = Subject::parse(text).ok().unwrap();
        assert!(subject.users.is_empty());
        assert!(subject.session == Some(Session::Id("s1".into())));
    }

    #[test]
    fn complex_subject_of_keycloak_names_all_sessions_of_a_user() {
        let text = r#"{"format":"complex","user":{"format":"iss_sub","iss":"https://a.test","sub":"ada"},
            "session":{"format":"opaque","id":"ALL"}}"#;
        let subject = Subject::parse(text).ok().unwrap();
        assert!(subject.session == Some(Session::All));
        assert_eq!(subject.users.len(), 1);
    }
}
