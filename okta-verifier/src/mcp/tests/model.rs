//! A model of the accepted bodies: serde_json, and a second pass over its values. The model is slow, and is
//! implemented independently of `message.rs`.

use std::fmt;

use proptest::{collection::vec, prelude::*};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::read;
use crate::mcp::message::Kind;

/// A JSON value with each of its members, also those that occur twice.
#[derive(Clone, Debug)]
enum Tree {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    Text(String),
    Null,
    Other,
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Tree::Array(elements))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
}

/// What a body calls, and whether it begins a session.
type Called = (Vec<(Kind, String)>, bool);

impl Tree {
    fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Self> {
        let is_named = move |(one, _): &&(String, Self)| one == name;
        self.members()
            .iter()
            .filter(is_named)
            .map(|(_, value)| value)
    }

    /// Returns the value of a member, or an error if the member occurs twice.
    fn only<'t>(&'t self, name: &'t str) -> Result<Option<&'t Self>, ()> {
        let mut all = self.all(name);
        let first = all.next();
        all.next().map_or(Ok(first), |_| Err(()))
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn has_reserved_name(&self) -> bool {
        match self {
            Self::Object(members) => members.iter().any(|(name, value)| {
                name.starts_with("$serde_json::private::") || value.has_reserved_name()
            }),
            Self::Array(elements) => elements.iter().any(Self::has_reserved_name),
            _ => false,
        }
    }

    fn has_name_like(&self, names: &[&str]) -> bool {
        let is_like = |name: &str| {
            let plain = name.to_lowercase().replace('ſ', "s");
            name == "__proto__" || names.contains(&&*plain) && !names.contains(&name)
        };
        self.members().iter().any(|(name, _)| is_like(name))
    }

    fn message(&self) -> Result<Called, ()> {
        let Self::Object(_) = self else {
            return Err(());
        };
        if self.has_name_like(&["method", "params"]) {
            return Err(());
        }
        let method = match self.only("method")? {
            None => "",
            Some(Self::Text(method)) => method,
            Some(_) => return Err(()),
        };
        let nothing = Self::Null;
        let params = match self.only("params")? {
            None => &nothing,
            Some(params @ (Self::Object(_) | Self::Array(_))) => params,
            Some(_) => return Err(()),
        };
        let (name, uri) = (params.only("name")?, params.only("uri")?);
        let (kind, target) = match method {
            "tools/call" => (Kind::Tool, name),
            "prompts/get" => (Kind::Prompt, name),
            "resources/read" | "resources/subscribe" | "skills/get" => (Kind::Resource, uri),
            method => return Ok((Vec::new(), method == "initialize")),
        };
        if params.has_name_like(&["name", "uri"]) {
            return Err(());
        }
        let target = target.and_then(Self::text).ok_or(())?;
        Ok((vec![(kind, target.to_owned())], false))
    }

    fn body(&self) -> Result<Called, ()> {
        if self.has_reserved_name() {
            return Err(());
        }
        match self {
            Self::Array(messages) if messages.is_empty() => Err(()),
            Self::Array(messages) => {
                let mut all = Called::default();
                for message in messages {
                    let (calls, begins_session) = message.message()?;
                    all.0.extend(calls);
                    all.1 |= begins_session;
                }
                Ok(all)
            }
            message => message.message(),
        }
    }

    /// Returns what a careless server calls: one that takes the member that `choose` finds.
    fn careless<'t>(&'t self, choose: Choose) -> Vec<(Kind, String)> {
        let messages = match self {
            Self::Array(messages) => &messages[..],
            message => std::slice::from_ref(message),
        };
        let call = |message: &'t Self| {
            let method = choose(message, "method")?.text()?;
            let params = choose(message, "params")?;
            let (kind, member) = match method {
                "tools/call" => (Kind::Tool, "name"),
                "prompts/get" => (Kind::Prompt, "name"),
                "resources/read" | "resources/subscribe" | "skills/get" => (Kind::Resource, "uri"),
                _ => return None,
            };
            let target = choose(params, member)?.text()?;
            Some((kind, target.to_owned()))
        };
        messages.iter().filter_map(call).collect()
    }
}

type Choose = for<'t> fn(&'t Tree, &str) -> Option<&'t Tree>;

fn first<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    tree.members()
        .iter()
        .find(|(one, _)| one == name)
        .map(|(_, value)| value)
}

fn last<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    tree.members()
        .iter()
        .rfind(|(one, _)| one == name)
        .map(|(_, value)| value)
}

fn last_of_any_case<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    let is_named = |one: &str| one.to_lowercase().replace('ſ', "s") == name;
    tree.members()
        .iter()
        .rfind(|(one, _)| is_named(one))
        .map(|(_, value)| value)
}

fn inherited<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    last(tree, name).or_else(|| last(last(tree, "__proto__")?, name))
}

/// Returns one of these texts as JSON, with some of its characters escaped.
fn spelled(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (proptest::sample::select(texts), any::<u64>(), 0..4_u8).prop_map(|(text, bits, rate)| {
        let mut json = String::from("\"");
        for (at, character) in text.chars().enumerate() {
            let is_escaped = rate == 0 && bits >> (at % 64) & 1 == 1;
            match character {
                '/' if is_escaped => json.push_str(r"\/"),
                _ if is_escaped => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        json.push_str(&format!(r"\u{unit:04x}"));
                    }
                }
                character => json.push(character),
            }
        }
        json.push('"');
        json
    })
}

const METHODS: &[&str] = &[
    "tools/call",
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "skills/get",
    "initialize",
    "ping",
];
const TARGETS: &[&str] = &[
    "read_file",
    "write_file",
    "file:///a",
    "größe",
    "😀",
    "",
    "tools/call",
];
const NAMES: &[&str] = &[
    "name",
    "uri",
    "method",
    "params",
    "id",
    "arguments",
    "Name",
    "URI",
    "paramſ",
    "Method",
    "__proto__",
    "$serde_json::private::RawValue",
    "$serde_json::private",
    "x",
];

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        spelled(TARGETS),
        spelled(METHODS),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1.5".to_owned()),
        Just("[]".to_owned()),
        Just("{ }".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|elements| format!("[{}]", elements.join(" , "))),
            vec((spelled(NAMES), inner), 0..3).prop_map(object),
        ]
    })
}

fn object(members: Vec<(String, String)>) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!("{name} :{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(",\n"))
}

/// Returns the members, and often one more.
fn with_extra(
    members: impl Strategy<Value = Vec<(String, String)>>,
) -> impl Strategy<Value = String> {
    let extra = vec((spelled(NAMES), value()), 0..3);
    (members, extra, any::<usize>(), 0..3_u8).prop_map(|(mut members, extra, at, rate)| {
        if rate == 0 {
            for (number, member) in extra.into_iter().enumerate() {
                members.insert((at >> number) % (members.len() + 1), member);
            }
        }
        object(members)
    })
}

fn message() -> impl Strategy<Value = String> {
    let target = |member: &'static [&'static str]| {
        let value = prop_oneof![9 => spelled(TARGETS), 1 => value()];
        (spelled(member), value)
    };
    let params =
        with_extra((target(&["name"]), target(&["uri"])).prop_map(|(name, uri)| vec![name, uri]));
    let params = prop_oneof![9 => params, 1 => value()];
    let method = prop_oneof![19 => spelled(METHODS), 1 => value()];
    let members = (
        spelled(&["method"]),
        method,
        spelled(&["params"]),
        params,
        any::<bool>(),
    );
    let members = members.prop_map(|(method, value, params, of_params, is_swapped)| {
        let mut members = vec![
            (method, value),
            (params, of_params),
            (r#""id""#.to_owned(), "1".to_owned()),
        ];
        if is_swapped {
            members.swap(0, 1);
        }
        members
    });
    prop_oneof![19 => with_extra(members), 1 => value()]
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => message(),
        1 => vec(message(), 0..4).prop_map(|messages| format!(" [{}]\n", messages.join(","))),
    ]
}

fn ours(body: &[u8]) -> Option<Called> {
    let calls = read(&[], body).ok()?;
    let called = calls
        .iter()
        .map(|call| (call.kind, call.target.clone().into_owned()));
    Some((called.collect(), calls.begins_session()))
}

fn models(body: &[u8]) -> Option<Called> {
    let tree: Tree = serde_json::from_slice(body).ok()?;
    tree.body().ok()
}

proptest! {
    #[test]
    fn body_is_read_as_the_model_reads_it(body in body()) {
        prop_assert_eq!(ours(body.as_bytes()), models(body.as_bytes()), "{}", body);
    }

    // conformance 266
    #[test]
    fn body_that_is_accepted_is_read_alike_by_careless_servers(body in body()) {
        if let Some((called, _)) = ours(body.as_bytes()) {
            let tree: Tree = serde_json::from_str(&body).unwrap();
            for choose in [first as Choose, last, last_of_any_case, inherited] {
                prop_assert_eq!(&tree.careless(choose), &called, "{}", body);
            }
        }
    }

    #[test]
    fn body_with_a_changed_byte_is_read_as_the_model_reads_it(
        body in body(), at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..3_u8,
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        match kind {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => { body.remove(at); }
        }
        prop_assert_eq!(ours(&body), models(&body), "{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn model_accepts_and_rejects() {
    let called = |body: &str| models(body.as_bytes()).map(|(calls, _)| calls.len());
    assert_eq!(
        called(r#"{"method":"tools/call","params":{"name":"a"}}"#),
        Some(1)
    );
    assert_eq!(
        called(r#"{"method":"tools/call","params":{"name":"a","name":"a"}}"#),
        None
    );
}
