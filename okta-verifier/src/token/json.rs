//! JSON objects, stricter than serde_json reads them: a member that occurs twice is refused at
//! every depth (RFC 7515 §4, RFC 7519 §4), and so is what is too deep or too wide.
//!
//! serde_json keeps the grammar; names are compared after unescaping (RFC 7515 §5.3), so
//! `"\u0061lg"` is `alg`.

use std::{borrow::Cow, cmp::Ordering, fmt};

use memchr::memchr;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::MalformedToken;

/// The members of one object, in [`order`] of their names, with their values as they are written.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, MalformedToken> {
        let Members(mut members) = serde_json::from_str(text).map_err(|_| MalformedToken::Json)?;
        if members.len() > MAX_MEMBERS {
            return Err(MalformedToken::Complexity);
        }
        members.sort_unstable_by(|(one, _), (other, _)| order(one, other));
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(MalformedToken::DuplicateMember);
        }
        for (_, value) in &members {
            if !is_plain(value.get()) {
                check_nested(value.get())?;
            }
        }
        Ok(Self(members))
    }

    /// The member's value as JSON text.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let index = self
            .0
            .binary_search_by(|(member, _)| order(member, name))
            .ok()?;
        Some(self.0[index].1.get())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Any total order would do; most names differ in length already.
fn order(one: &str, other: &str) -> Ordering {
    let by_length = one.len().cmp(&other.len());
    by_length.then_with(|| one.cmp(other))
}

/// A JSON string; borrowed where it holds no escape. `value` is JSON text.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix('"')?;
    if !has_escape(text) {
        return text.strip_suffix('"').map(Cow::Borrowed);
    }
    serde_json::from_str(value).ok().map(|Text(text)| text)
}

/// A JSON array of strings.
pub(crate) fn strings(value: &str) -> Option<Vec<Cow<'_, str>>> {
    if !value.starts_with('[') {
        return None; // before serde_json makes an error of it, which costs
    }
    let texts: Vec<Text<'_>> = serde_json::from_str(value).ok()?;
    Some(texts.into_iter().map(|Text(text)| text).collect())
}

/// Deep enough for delegation chains (RFC 8693 §4.1), shallow enough to stay far from any stack.
const MAX_DEPTH: usize = 16;
const MAX_MEMBERS: usize = 256;

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some((Text(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(members)
    }
}

/// Whether `RawValue` passed over nothing unread in it: most claims are a plain string or a number.
fn is_plain(value: &str) -> bool {
    match value.as_bytes() {
        [b'"', text @ ..] => !has_escape(text),
        digits => digits.len() <= 16 && digits.iter().all(u8::is_ascii_digit),
    }
}

fn has_escape(text: impl AsRef<[u8]>) -> bool {
    memchr(b'\\', text.as_ref()).is_some()
}

/// What `RawValue` passes over unread: half a surrogate pair, which is no UTF-8 (RFC 8725 §3.7),
/// a number beyond every type; and duplicates, depth and width inside the value.
fn check_nested(value: &str) -> Result<(), MalformedToken> {
    let mut fault = None;
    let mut deserializer = serde_json::Deserializer::from_str(value);
    let checked = Nested {
        depth: 1,
        fault: &mut fault,
    }
    .deserialize(&mut deserializer);
    match (checked, fault) {
        (Ok(()), None) => Ok(()),
        (_, Some(fault)) => Err(fault),
        (Err(_), None) => Err(MalformedToken::Json),
    }
}

struct Nested<'f> {
    depth: usize,
    fault: &'f mut Option<MalformedToken>,
}

impl Nested<'_> {
    fn inner(&mut self) -> Nested<'_> {
        Nested {
            depth: self.depth + 1,
            fault: self.fault,
        }
    }

    fn fail<E: de::Error>(self, fault: MalformedToken) -> E {
        *self.fault = Some(fault);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(self.fail(MalformedToken::Complexity));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut names: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            if names.len() == MAX_MEMBERS {
                return Err(self.fail(MalformedToken::Complexity));
            }
            names.push(name);
            map.next_value_seed(self.inner())?;
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.fail(MalformedToken::DuplicateMember));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.inner())?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A string that borrows where it can: serde's own `Cow` always copies here.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }

        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}
