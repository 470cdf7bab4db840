//! A model of the accepted JSON objects: serde_json, and a second pass over its values. The model is slow,
//! and is implemented independently of `token/json.rs`.

use std::{borrow::Cow, fmt};

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::MalformedTokenError;

/// The members with their values, unordered.
pub(super) fn parse(text: &str) -> Result<Vec<(Cow<'_, str>, &str)>, MalformedTokenError> {
    let Members(mut members) = serde_json::from_str(text).map_err(|_| MalformedTokenError::Json)?;
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(MalformedTokenError::DuplicateMember);
    }
    for (_, value) in &members {
        check_nested(value.get())?;
    }
    Ok(members
        .into_iter()
        .map(|(name, value)| (name, value.get()))
        .collect())
}

const MAX_DEPTH: usize = 16;

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

/// Checks what `RawValue` does not check: halves of surrogate pairs, which have no UTF-8 form (RFC 8725
/// §3.7), numbers that are too large for any type, and duplicates and nesting inside the value.
fn check_nested(value: &str) -> Result<(), MalformedTokenError> {
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
        (Err(_), None) => Err(MalformedTokenError::Json),
    }
}

struct Nested<'f> {
    depth: usize,
    fault: &'f mut Option<MalformedTokenError>,
}

impl Nested<'_> {
    fn inner(&mut self) -> Nested<'_> {
        Nested {
            depth: self.depth + 1,
            fault: self.fault,
        }
    }

    fn fail<E: de::Error>(self, fault: MalformedTokenError) -> E {
        *self.fault = Some(fault);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(self.fail(MalformedTokenError::TooDeep));
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
            names.push(name);
            map.next_value_seed(self.inner())?;
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.fail(MalformedTokenError::DuplicateMember));
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

/// A string that is borrowed if possible. serde's own `Cow` always copies here.
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
