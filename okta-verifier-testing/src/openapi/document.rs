//! An OpenAPI document: its operations, and the objects that references stand for.

use serde_json::Value;

use super::operation::Operation;

pub(super) struct Document(Value);

impl Document {
    /// Parses the text of a document.
    ///
    /// # Panics
    ///
    /// Panics if the text is not an OpenAPI 3.0 or 3.1 document in JSON.
    pub(super) fn parse(text: &str) -> Self {
        let document: Value = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("the OpenAPI document is not JSON: {error}"));
        let version = document["openapi"].as_str().unwrap_or_default();
        assert!(
            version.starts_with("3.0.") || version.starts_with("3.1."),
            "the document has no `openapi` of 3.0 or 3.1; write the document of the API in JSON"
        );
        Self(document)
    }

    /// Returns every operation, in the order of the document's paths.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.0["paths"].as_object().into_iter().flatten() {
            let item = self.resolve(item);
            assert!(
                item.get("$ref").is_none(),
                "{path}: the reference does not lead to a path item of the document; write the operations into the document"
            );
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    operations.push(Operation::new(self, path, method, item, operation));
                }
            }
        }
        operations
    }

    /// Returns the `security` of the document, for an operation without one.
    pub(super) fn security(&self) -> Option<&Value> {
        self.0.get("security")
    }

    /// Returns a security scheme, or `None` if the document does not define it.
    pub(super) fn security_scheme(&self, name: &str) -> Option<&Value> {
        let schemes = &self.0["components"]["securitySchemes"];
        schemes.get(name).map(|scheme| self.resolve(scheme))
    }

    /// Returns the object that a reference within the document stands for, or the value itself.
    pub(super) fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        let mut value = value;
        // A reference may point to another one. The bound ends a circle.
        for _ in 0..MAX_REFERENCES {
            let reference = value.get("$ref").and_then(Value::as_str);
            let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
            match pointer.and_then(|pointer| self.0.pointer(pointer)) {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }
}

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
const MAX_REFERENCES: usize = 16;
