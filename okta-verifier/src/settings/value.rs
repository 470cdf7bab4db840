//! Reads data of any format whose maps have each key once.
//!
//! `serde_json::Value` takes the last of two equal keys, and reads a number that is not finite as null. A
//! setting would then be ignored without an error, for example a list of clients before `client_ids = "*"`.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::error::StructureError;

/// Reads the data.
///
/// # Errors
///
/// Returns an error if the data is not in its format, if a key is written twice, or if a number is not finite.
/// The error never has the text of the format's own error, which may quote the line, with a secret in it.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, StructureError> {
    let problem = Problem::default();
    Seed(&problem)
        .deserialize(deserializer)
        .map_err(|_| match problem.0.into_inner() {
            Some((path, problem)) => StructureError::at(path, problem),
            None => StructureError::unreadable(),
        })
}

/// The problem that was found, with the path of its value, if the format did not find one first.
#[derive(Default)]
struct Problem(RefCell<Option<(String, &'static str)>>);

impl Problem {
    /// Records the problem, and returns an error that ends the deserialization.
    fn found<E: Error>(&self, path: &str, problem: &'static str) -> E {
        *self.0.borrow_mut() = Some((path.to_owned(), problem));
        E::custom(problem)
    }

    /// Puts the name of the outer value before the path.
    fn is_within(&self, outer: &str) {
        if let Some((path, _)) = &mut *self.0.borrow_mut() {
            let separator = match path.is_empty() || path.starts_with('[') {
                true => "",
                false => ".",
            };
            *path = format!("{outer}{separator}{path}");
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'p>(&'p Problem);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, a list, a text, a number, true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| self.0.found("", "the number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        self.deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let value = list.next_element_seed(self);
            let value = value.inspect_err(|_| self.0.is_within(&format!("[{}]", values.len())));
            match value? {
                Some(value) => values.push(value),
                None => return Ok(values.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if members.contains_key(&key) {
                return Err(self
                    .0
                    .found(&key, "the key is written twice; remove one of them"));
            }
            let value = map.next_value_seed(self);
            let value = value.inspect_err(|_| self.0.is_within(&key))?;
            members.insert(key, value);
        }
        Ok(members.into())
    }
}
