//! One operation of a document: the request to send, and the tokens that it declares.

use std::fmt::Write;

use serde_json::Value;

use super::document::Document;

/// An operation, with values for its parameters.
pub(super) struct Operation {
    /// The method and the path as the document writes it, for messages.
    pub(super) name: String,
    pub(super) method: String,
    /// The path and the query, with values for the parameters.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) has_body: bool,
    /// The error says why the operation cannot be tested.
    pub(super) security: Result<Security, String>,
}

/// What an operation declares about tokens.
pub(super) struct Security {
    /// The scopes of each alternative that can be tested.
    pub(super) alternatives: Vec<Vec<String>>,
    /// Whether one of the alternatives needs nothing, or there are none.
    is_open: bool,
}

impl Operation {
    pub(super) fn new(
        document: &Document,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
    ) -> Self {
        let method = method.to_ascii_uppercase();
        let mut built = Self {
            name: format!("{method} {path}"),
            method,
            target: path.to_owned(),
            headers: Vec::new(),
            has_body: operation.get("requestBody").is_some(),
            security: Security::new(document, operation),
        };
        let mut query = Vec::new();
        // A parameter of the operation replaces that of the path item with the same name and place.
        let of = |holder: &Value| holder["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in of(operation).iter().chain(&of(item)) {
            let parameter = document.resolve(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            let is_required = parameter["required"] == true;
            match parameter["in"].as_str() {
                Some("path") => {
                    let value = encode(&value_of(document, parameter));
                    built.target = built.target.replace(&format!("{{{name}}}"), &value);
                }
                Some("query") if is_required => {
                    let value = encode(&value_of(document, parameter));
                    query.push(format!("{}={value}", encode(name)));
                }
                Some("header") if is_required && !is_reserved(name) => {
                    let value = value_of(document, parameter);
                    built.headers.push((name.to_owned(), value));
                }
                _ => {}
            }
        }
        if built.target.contains(['{', '}']) {
            let problem = format!("{path}: a parameter of the path is not among `parameters`");
            built.security = Err(problem);
        }
        if !query.is_empty() {
            built.target = format!("{}?{}", built.target, query.join("&"));
        }
        built
    }
}

impl Security {
    /// Reads the `security` of an operation, or that of the document if the operation has none.
    fn new(document: &Document, operation: &Value) -> Result<Self, String> {
        let declared = operation.get("security").or(document.security());
        let list = match declared {
            None => &[][..],
            Some(list) => list.as_array().ok_or("`security` is not a list")?,
        };
        let mut security = Self {
            alternatives: Vec::new(),
            is_open: list.is_empty(),
        };
        for requirement in list {
            let requirement = requirement.as_object();
            let requirement = requirement.ok_or("a requirement of `security` is not an object")?;
            security.is_open |= requirement.is_empty();
            let mut scopes = Vec::new();
            let mut is_testable = true;
            for (name, required) in requirement {
                let scheme = document
                    .security_scheme(name)
                    .ok_or_else(|| format!("components.securitySchemes lacks {name:?}"))?;
                is_testable &= is_of_token(scheme);
                let required = required.as_array().into_iter().flatten();
                scopes.extend(required.filter_map(Value::as_str).map(str::to_owned));
            }
            if is_testable {
                security.alternatives.push(scopes);
            }
        }
        Ok(security)
    }

    /// Returns whether a request without a token must be admitted.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns whether a token without scopes must be rejected, or `None` if no alternative is for tokens.
    pub(super) fn needs_scopes(&self) -> Option<bool> {
        let is_enough = self.is_open || self.alternatives.iter().any(Vec::is_empty);
        match self.alternatives.is_empty() && !self.is_open {
            true => None,
            false => Some(!is_enough),
        }
    }
}

/// Returns whether clients present a bearer token under this security scheme.
fn is_of_token(scheme: &Value) -> bool {
    match scheme["type"].as_str() {
        Some("oauth2" | "openIdConnect") => true,
        Some("http") => {
            let name = scheme["scheme"].as_str().unwrap_or_default();
            name.eq_ignore_ascii_case("bearer")
        }
        _ => false,
    }
}

/// Returns whether OpenAPI ignores a header parameter of this name (OpenAPI 3.1.1 §4.8.12), or this module
/// writes the header itself.
fn is_reserved(name: &str) -> bool {
    [
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
    ]
    .iter()
    .any(|reserved| name.eq_ignore_ascii_case(reserved))
}

/// Returns a plausible value of a parameter: its example, or a value of its schema.
fn value_of(document: &Document, parameter: &Value) -> String {
    let schema = document.resolve(&parameter["schema"]);
    let first = |holder: &Value| match &holder["examples"] {
        Value::Array(examples) => examples.first().cloned(),
        Value::Object(examples) => {
            let example = examples.values().next()?;
            document.resolve(example).get("value").cloned()
        }
        _ => None,
    };
    let example = parameter.get("example").cloned();
    let example = example
        .or_else(|| first(parameter))
        .or_else(|| schema.get("example").cloned())
        .or_else(|| first(schema))
        .or_else(|| schema.get("default").cloned())
        .or_else(|| schema.get("const").cloned())
        .or_else(|| schema["enum"].as_array()?.first().cloned());
    match example {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => value_of_type(schema),
        Some(other) => other.to_string(),
    }
}

fn value_of_type(schema: &Value) -> String {
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().find(|it| *it != "null"),
        one => Some(one),
    };
    let format = schema["format"].as_str().unwrap_or_default();
    match types.and_then(Value::as_str).unwrap_or_default() {
        "integer" | "number" => match &schema["minimum"] {
            Value::Number(minimum) => minimum.to_string(),
            _ => "1".to_owned(),
        },
        "boolean" => "true".to_owned(),
        _ => match format {
            "uuid" => "00000000-0000-4000-8000-000000000000",
            "date" => "2024-01-31",
            "date-time" => "2024-01-31T12:00:00Z",
            "email" => "ada@example.com",
            "uri" => "https://example.com/",
            _ => "x",
        }
        .to_owned(),
    }
}

/// Encodes a text for a path segment or a query (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}"); // a String accepts every text
            }
        }
    }
    encoded
}
