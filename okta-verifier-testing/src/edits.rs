//! What a builder was asked to change.

use serde::Serialize;
use serde_json::{Map, Value};

/// Changes to a JSON object, in the order they were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<(String, Option<Value>)>);

impl Edits {
    /// # Panics
    ///
    /// When `value` has no JSON form.
    pub(crate) fn set(&mut self, name: &str, value: impl Serialize) {
        let value = serde_json::to_value(value)
            .unwrap_or_else(|error| panic!("`{name}` has no JSON form: {error}"));
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
