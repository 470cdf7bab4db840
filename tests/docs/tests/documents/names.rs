//! Items, settings, error codes and log messages that the documents name exist.

use super::{all_documents, lines_outside_code, root, sources, text};

/// Items of other crates.
const FOREIGN: [&str; 31] = [
    "Builder",
    "Child",
    "Config",
    "Duration",
    "HttpServer",
    "JwtAuthorizer",
    "JwtSource",
    "MultiIssuer",
    "ParsedPublicKey",
    "Request",
    "Router",
    "Validation",
    "compat",
    "disable_validation",
    "doc",
    "enable_all",
    "enable_io",
    "enable_time",
    "enforce_origin_validation",
    "extract",
    "file",
    "http_client",
    "route",
    "route_layer",
    "trim",
    "try_deserialize",
    "user_agent",
    "validate_aud",
    "validate_exp",
    "with_legacy_session_mode",
    "wrap",
];

#[test]
fn names_of_items_are_those_of_the_code() {
    let code = published_sources();
    let mut seen = 0;
    for (document, line) in lines() {
        for span in spans(&line) {
            for (owner, item) in paths(span) {
                seen += 1;
                if FOREIGN.contains(&owner) {
                    continue;
                }
                let of_ours = ["struct", "enum", "trait"]
                    .iter()
                    .any(|kind| has_word(&code, kind, owner));
                let is_there = is_function(&code, item)
                    || ["const", "struct", "enum"]
                        .iter()
                        .any(|kind| has_word(&code, kind, item))
                    || is_variant(&code, item);
                assert!(of_ours && is_there, "{document}: {owner}::{item}");
            }
            if let Some(function) = call(span).filter(|it| !FOREIGN.contains(it)) {
                seen += 1;
                assert!(is_function(&code, function), "{document}: {span}");
            }
        }
    }
    assert!(seen > 250, "{seen}");
}

#[test]
fn codes_beside_a_status_are_those_of_the_code() {
    let code = published_sources();
    let mut seen = 0;
    for (document, line) in lines() {
        for status in ["400 `", "401 `", "403 `", "503 `"] {
            for rest in line.split(status).skip(1) {
                let (named, _) = rest.split_once('`').expect("the end of the code");
                let is_code = named.chars().all(|it| it.is_ascii_lowercase() || it == '_');
                if is_code {
                    seen += 1;
                    assert!(
                        code.contains(&format!("\"{named}\"")),
                        "{document}: {status}{named}"
                    );
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn messages_beside_a_code_field_are_those_of_the_log() {
    let code = published_sources();
    let mut seen = 0;
    for (document, line) in lines() {
        let challenge = |span: &&str| span.starts_with("Bearer ") || span.starts_with("DPoP ");
        for span in spans(&line).filter(|span| !challenge(span)) {
            if let Some((message, value)) = span.split_once(" code=\"") {
                seen += 1;
                assert!(
                    code.contains(&format!("\"{message}\"")),
                    "{document}: {message}"
                );
                let (value, _) = value.split_once('"').expect("the end of the code");
                assert!(
                    code.contains(&format!("\"{value}\"")),
                    "{document}: {value}"
                );
            }
        }
    }
    assert!(seen > 1, "{seen}");
}

fn published_sources() -> String {
    ["", "-actix", "-axum", "-redis", "-testing", "-tower"]
        .map(|name| sources(&root().join(format!("okta-verifier{name}/src"))))
        .concat()
}

/// Returns every line of every document outside code blocks, with the path of the document.
fn lines() -> impl Iterator<Item = (String, String)> {
    all_documents().into_iter().flat_map(|document| {
        let text = text(&document);
        let lines: Vec<_> = lines_outside_code(&text).map(str::to_owned).collect();
        lines.into_iter().map(move |line| (document.clone(), line))
    })
}

/// Returns the texts between backticks.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Returns each `Type::item` of the span.
fn paths(span: &str) -> impl Iterator<Item = (&str, &str)> {
    span.match_indices("::").filter_map(|(at, _)| {
        let before = span[..at].rsplit(|it| !is_part(it)).next()?;
        let after = span[at + 2..].split(|it| !is_part(it)).next()?;
        let is_type = before.starts_with(|it: char| it.is_ascii_uppercase());
        (is_type && !after.is_empty()).then_some((before, after))
    })
}

/// Returns the name of the function if the span is a call, such as `leeway(duration)` or `.leeway(..)`.
fn call(span: &str) -> Option<&str> {
    let (function, arguments) = span.trim_start_matches('.').split_once('(')?;
    let is_name =
        function.starts_with(|it: char| it.is_ascii_lowercase()) && function.chars().all(is_part);
    (is_name && arguments.ends_with(')')).then_some(function)
}

fn is_part(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

fn is_function(code: &str, name: &str) -> bool {
    has_word(code, "fn", name)
}

/// Whether the code has a line that begins with the name, as the variant of an enum does.
fn is_variant(code: &str, name: &str) -> bool {
    let is_end = |rest: &str| rest.starts_with([',', '(', ' ']);
    code.lines()
        .any(|line| line.trim_start().strip_prefix(name).is_some_and(is_end))
}

fn has_word(code: &str, keyword: &str, name: &str) -> bool {
    let start = format!("{keyword} {name}");
    code.match_indices(&start)
        .any(|(at, _)| !code[at + start.len()..].starts_with(is_part))
}
