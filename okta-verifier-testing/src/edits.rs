//! The changes that a builder applies to a JSON object.

use serde::Serialize;
use serde_json::{Map, Value};

/// Changes to a JSON object, in the order in which they were requested.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<(String, Option<Value>)>);

impl Edits {
    /// Sets a member.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    pub(crate) fn set(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_else(|error| {
            panic!("the value of `{name}` cannot be serialized as JSON: {error}")
        });
        self.0.push((name.to_owned(), Some(value)));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.push((name.to_owned(), None));
    }

    pub(crate) fn apply(&self, object: &mut Map<String, Value>) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => object.insert(name.clone(), value.clone()),
                None => object.remove(name),
            };
        }
    }
}
